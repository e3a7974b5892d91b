/// What an `error` code of the token endpoint means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// `invalid_grant`: the code or refresh token is not valid, or is no longer valid.
    InvalidGrant,
    /// Only the user can continue, on VideoAsk's login page (OpenID Connect Core 3.1.2.6, and Auth0's `mfa_required`).
    InteractionRequired,
    /// VideoAsk has blocked the user.
    UserBlocked,
    /// The client id or secret is wrong, or this client may not use the grant.
    ClientRejected,
    /// A rule or an administrator at VideoAsk denied access.
    AccessDenied,
    /// Any other code.
    Other,
}

impl RefusalReason {
    /// Classifies by code. Auth0 uses `access_denied` for three things, so status and description decide there as well:
    /// a wrong secret is a 401 without a reason in the description.
    pub(super) fn of(status: u16, code: &str, description: &str) -> Self {
        match code {
            "invalid_grant" => Self::InvalidGrant,
            "mfa_required"
            | "interaction_required"
            | "login_required"
            | "consent_required"
            | "account_selection_required" => Self::InteractionRequired,
            "access_denied" | "unauthorized" if says_blocked(description) => Self::UserBlocked,
            "invalid_client" | "unauthorized_client" => Self::ClientRejected,
            "access_denied" if status == 401 && gives_no_reason(description) => Self::ClientRejected,
            "access_denied" | "unauthorized" => Self::AccessDenied,
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
            assert_eq!(RefusalReason::of(403, code, "words"), RefusalReason::InteractionRequired, "{code}");
        }
    }

    #[test]
    fn access_denied_is_a_blocked_user_a_wrong_secret_or_a_rule() {
        for (status, code, description, meaning) in [
            (403, "access_denied", "user is blocked", RefusalReason::UserBlocked),
            (401, "unauthorized", "User is Blocked", RefusalReason::UserBlocked),
            (403, "unauthorized", "Your account has been blocked.", RefusalReason::UserBlocked),
            (401, "access_denied", "Unauthorized", RefusalReason::ClientRejected),
            (401, "access_denied", "", RefusalReason::ClientRejected),
            (403, "access_denied", "Unauthorized", RefusalReason::AccessDenied),
            (401, "access_denied", "Only from the office network", RefusalReason::AccessDenied),
            (403, "unauthorized", "blocked by a rule", RefusalReason::AccessDenied),
        ] {
            assert_eq!(RefusalReason::of(status, code, description), meaning, "{status} {code}: {description}");
        }
    }

    #[test]
    fn every_other_code_has_one_meaning_whatever_the_status() {
        for status in [200, 400, 401, 403] {
            assert_eq!(RefusalReason::of(status, "invalid_grant", "user is blocked"), RefusalReason::InvalidGrant);
            assert_eq!(RefusalReason::of(status, "invalid_client", ""), RefusalReason::ClientRejected);
            assert_eq!(RefusalReason::of(status, "unauthorized_client", ""), RefusalReason::ClientRejected);
            assert_eq!(RefusalReason::of(status, "invalid_request", ""), RefusalReason::Other);
        }
    }
}
