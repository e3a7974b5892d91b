use super::*;

#[test]
fn stand_between_commas_or_spaces_and_count_once() {
    for value in ["openid,offline_access", "openid offline_access", " openid, openid ,,offline_access "] {
        assert_eq!(config(&[("SCOPES", value)]).provider.scopes, ["openid", "offline_access"]);
    }
    assert_refused("SCOPES", &[",", "open\"id", "opené"]);
}

#[test]
fn with_another_separator_are_refused_with_the_right_one() {
    for value in ["openid;profile", "openid; profile", "openid|profile", "openid+profile", "openid,profile;email"] {
        let found = problem(&[("SCOPES", value)]);
        assert!(found.fix().starts_with("Use commas"), "{value}: {found}");
    }
}

#[test]
fn that_mint_mode_lacks_are_a_warning() {
    assert!(warning(&[("SCOPES", "openid")]).message().contains("no refresh token"));
    assert!(warning(&[("SCOPES", "offline_access")]).message().contains("openid"));
}

#[test]
fn that_keep_mode_needs_are_demanded() {
    let lacking = |users, scopes| problem(&[("ALLOWED_USERS", users), ("SCOPES", scopes)]).fix().to_owned();
    assert_eq!(lacking("u-1", "openid,email"), "Add offline_access.");
    assert_eq!(lacking("ada@example.com", "offline_access"), "Add openid and email.");
    config(&[("ALLOWED_USERS", "u-1"), ("SCOPES", "offline_access")]);
}

#[test]
fn without_pkce_openid_is_demanded_in_either_mode() {
    for users in ["", "u-1"] {
        let settings = [("PKCE", "off"), ("ALLOWED_USERS", users), ("SCOPES", "email,offline_access")];
        let problem = problem(&settings);
        assert_eq!((about(&problem), problem.fix()), ("SCOPES", "Add openid, or set PKCE=on."));
    }
    assert!(warning(&[("PKCE", "off")]).message().contains("id_token"));
    assert!(loaded(&[("PKCE", "on")]).warnings.is_empty());
}
