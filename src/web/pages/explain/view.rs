//! The content of an error page.

use std::{borrow::Cow, time::Duration};

use axum::http::StatusCode;

use crate::{
    html::sanitize,
    vault::Identity,
    web::pages::{identity, link::Link, markup::Markup},
};

pub(crate) struct ErrorView {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) title: &'static str,
    /// For the visitor: what happened and what it means.
    pub(crate) summary: Markup,
    /// For the visitor: what to do.
    pub(crate) next: Markup,
    /// Who VideoAsk says the visitor is, if that is the reason for the error.
    pub(crate) account: Option<String>,
    /// For the operator of this app: what to do.
    pub(crate) operator: Option<Markup>,
    /// For the operator of this app: what to copy.
    pub(crate) copyables: Vec<Copyable>,
    /// For the operator of this app: names and values that help to fix the problem.
    pub(crate) details: Vec<(&'static str, String)>,
    /// What the button does, if there is one.
    pub(crate) link: Option<Link>,
}

/// A value to copy, with an instruction and perhaps a hint.
pub(crate) struct Copyable {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) instruction: Markup,
    pub(crate) value: Cow<'static, str>,
    pub(crate) hint: Option<Markup>,
}

impl Copyable {
    /// The command that checks an installation.
    pub(super) fn check(instruction: &'static str) -> Self {
        let (id, name, value) = ("command", "command", "videoask-auth check".into());
        Self { id, name, instruction: instruction.into(), value, hint: None }
    }
}

impl ErrorView {
    pub(super) fn new(
        status: StatusCode,
        title: &'static str,
        summary: impl Into<Markup>,
        next: impl Into<Markup>,
    ) -> Self {
        let (summary, next) = (summary.into(), next.into());
        let (retry_after, account, operator, copyables, details) = (None, None, None, Vec::new(), Vec::new());
        Self {
            status,
            retry_after,
            title,
            summary,
            next,
            account,
            operator,
            copyables,
            details,
            link: Some(Link::LogInAgain),
        }
    }

    /// Adds a sentence to the summary.
    pub(super) fn and_summary(self, sentence: &str) -> Self {
        Self { summary: format!("{} {sentence}", self.summary.source()).into(), ..self }
    }

    pub(super) fn link(self, link: Link) -> Self {
        Self { link: Some(link), ..self }
    }

    /// Names the visitor, and adds their ids to the details, except those that are already shown as a value to copy.
    pub(super) fn account(mut self, identity: &Identity) -> Self {
        self.account = identity::short(identity);
        let ids = identity::ids(identity).into_iter();
        self.details.extend(ids.filter(|(_, id)| self.copyables.iter().all(|copyable| copyable.value != *id)));
        self
    }

    pub(super) fn operator(self, text: impl Into<Markup>) -> Self {
        Self { operator: Some(text.into()), ..self }
    }

    pub(super) fn copyable(mut self, copyable: Copyable) -> Self {
        self.copyables.push(copyable);
        self
    }

    pub(super) fn detail(mut self, name: &'static str, value: &str) -> Self {
        self.details.push((name, sanitize::short(value)));
        self
    }

    /// What to do next, unless the label of the button says the same.
    pub(crate) fn next_step(&self) -> Option<&Markup> {
        let label = self.link.map(Link::label);
        Some(&self.next).filter(|next| label != Some(next.plain().trim_end_matches('.')))
    }

    /// The page for a browser whose login a command has waited for. It has no link, since the command stops serving
    /// pages.
    pub(super) fn in_terminal(self) -> Self {
        let next = "The command in your terminal says the same. Close this page, and run the command again there.";
        Self { next: next.into(), link: None, retry_after: None, ..self }
    }

    /// The content as text for a terminal, where the reader is the operator.
    pub(super) fn plain_text(&self) -> String {
        let account = self.account.iter().map(|account| ("VideoAsk says you are", account));
        let details = self.details.iter().map(|(name, value)| (*name, value));
        let rows = account.chain(details).filter(|(_, value)| !value.is_empty());
        let rows = rows.map(|(name, value)| format!("  {}: {value}", name.replace('`', "")));
        let fix = format!("  Fix: {}", self.operator.as_ref().unwrap_or(&self.next).source());
        let copyables = self.copyables.iter();
        let copyables =
            copyables.map(|copyable| format!("  {}\n    {}", copyable.instruction.source(), copyable.value));
        let lines = [format!("{}. {}", self.title, self.summary.source())].into_iter().chain(rows);
        lines.chain([fix]).chain(copyables).collect::<Vec<_>>().join("\n")
    }

    /// Whether there is anything for the operator of this app.
    pub(crate) fn has_operator_part(&self) -> bool {
        self.operator.is_some() || !self.copyables.is_empty() || !self.details.is_empty()
    }

    pub(super) fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }
}
