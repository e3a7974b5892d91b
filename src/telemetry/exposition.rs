//! The two text formats that Prometheus reads.

/// A text format for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Exposition {
    #[default]
    OpenMetrics,
    /// The classic Prometheus text, 0.0.4.
    Classic,
}

impl Exposition {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// OpenMetrics text in this format.
    pub(super) fn of_open_metrics(self, text: String) -> String {
        match self {
            Self::OpenMetrics => text,
            Self::Classic => classic(&text),
        }
    }
}

/// Converts OpenMetrics text, which the crate writes: the classic text has no units and no end line, and the name of a
/// counter's family has the suffix of its series.
fn classic(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(comment) = line.strip_prefix("# HELP ") {
            help = Some(comment);
        } else if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.rsplit_once(' ').unwrap_or((family, "untyped"));
            let suffix = if kind == "counter" { "_total" } else { "" };
            // The help of a family precedes its type.
            let help = help.take().and_then(|help| help.strip_prefix(name)).unwrap_or_default();
            text.extend(["# HELP ", name, suffix, help, "\n# TYPE ", name, suffix, " ", kind, "\n"]);
        } else if !line.starts_with('#') {
            text.extend([line, "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classic_text_differs_in_counters_units_and_the_end() {
        let open_metrics = "# HELP a Help.\n# TYPE a counter\na_total{b=\"# c\"} 1\n# HELP d_seconds Time.\n\
             # TYPE d_seconds gauge\n# UNIT d_seconds seconds\nd_seconds 1.5\n# EOF\n";
        let expected = "# HELP a_total Help.\n# TYPE a_total counter\na_total{b=\"# c\"} 1\n# HELP d_seconds Time.\n\
             # TYPE d_seconds gauge\nd_seconds 1.5\n";
        assert_eq!(classic(open_metrics), expected);
    }
}
