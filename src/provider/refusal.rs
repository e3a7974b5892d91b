//! What an error of the token endpoint means, for everyone who acts on it.

/// The meaning of an `error` code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `invalid_grant`: the code or refresh token is not valid, or no longer.
    GrantEnded,
    /// Only the user can continue, on VideoAsk's login page (OpenID Connect Core 3.1.2.6, and Auth0's `mfa_required`).
    InteractionRequired,
    /// VideoAsk has blocked the user.
    UserBlocked,
    /// The client id or secret is wrong, or this client may not use the grant.
    ClientRejected,
    /// A rule or an administrator at VideoAsk denied access.
    Denied,
    /// None of these codes.
    Other,
}

impl Refusal {
    /// Classifies by code. Auth0 uses `access_denied` for three things, so there the status and the description count
    /// as well: a wrong secret is a 401 that gives no reason.
    #[must_use]
    pub fn of(status: u16, code: &str, description: &str) -> Self {
        match code {
            "invalid_grant" => Self::GrantEnded,
            "mfa_required"
            | "interaction_required"
            | "login_required"
            | "consent_required"
            | "account_selection_required" => Self::InteractionRequired,
            "access_denied" | "unauthorized" if says_blocked(description) => Self::UserBlocked,
            "invalid_client" | "unauthorized_client" => Self::ClientRejected,
            "access_denied" if status == 401 && gives_no_reason(description) => Self::ClientRejected,
            "access_denied" | "unauthorized" => Self::Denied,
            _ => Self::Other,
        }
    }
}

fn says_blocked(description: &str) -> bool {
    let description = description.to_ascii_lowercase();
    description.contains("blocked") && ["user", "account"].iter().any(|who| description.contains(who))
}

fn gives_no_reason(description: &str) -> bool {
    description.is_empty() || description.eq_ignore_ascii_case("unauthorized")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_user_helps_where_videoask_asks_for_interaction() {
        for code in
            ["mfa_required", "interaction_required", "login_required", "consent_required", "account_selection_required"]
        {
            assert_eq!(Refusal::of(403, code, "words"), Refusal::InteractionRequired, "{code}");
        }
    }

    #[test]
    fn access_denied_is_a_blocked_user_a_wrong_secret_or_a_rule() {
        for (status, code, description, meaning) in [
            (403, "access_denied", "user is blocked", Refusal::UserBlocked),
            (401, "unauthorized", "User is Blocked", Refusal::UserBlocked),
            (403, "unauthorized", "Your account has been blocked.", Refusal::UserBlocked),
            (401, "access_denied", "Unauthorized", Refusal::ClientRejected),
            (401, "access_denied", "", Refusal::ClientRejected),
            (403, "access_denied", "Unauthorized", Refusal::Denied),
            (401, "access_denied", "Only from the office network", Refusal::Denied),
            (403, "unauthorized", "blocked by a rule", Refusal::Denied),
        ] {
            assert_eq!(Refusal::of(status, code, description), meaning, "{status} {code}: {description}");
        }
    }

    #[test]
    fn every_other_code_has_one_meaning_whatever_the_status() {
        for status in [200, 400, 401, 403] {
            assert_eq!(Refusal::of(status, "invalid_grant", "user is blocked"), Refusal::GrantEnded);
            assert_eq!(Refusal::of(status, "invalid_client", ""), Refusal::ClientRejected);
            assert_eq!(Refusal::of(status, "unauthorized_client", ""), Refusal::ClientRejected);
            assert_eq!(Refusal::of(status, "invalid_request", ""), Refusal::Other);
        }
    }
}
