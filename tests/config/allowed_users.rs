use super::*;

fn users(value: &str) -> AllowedUsers {
    let Mode::Keep(users) = config(&[("ALLOWED_USERS", value)]).mode else { panic!("{value:?} is mint mode") };
    users
}

#[test]
fn are_listed_with_commas_each_once_and_in_order() {
    let users = users(" ada@example.com, auth0|123 ,ADA@example.com ");
    assert_eq!(users.entries().collect::<Vec<_>>(), ["ada@example.com", "auth0|123"]);
}

#[test]
fn that_name_nobody_are_refused_rather_than_admitting_everybody() {
    let values = [",", " , ,", "*", "*@example.com", "ada@example.com grace@example.com", "Ada <ada@example.com>"];
    assert_refused("ALLOWED_USERS", &values);
}

#[test]
fn are_each_an_email_a_user_id_or_a_sub() {
    assert_refused(
        "ALLOWED_USERS",
        &[
            "ada@@example.com,,Bob",
            "ada@@example.com",
            "ada@example.com,",
            "ada@example.com,,grace@example.com",
            "Bob",
            "ada.lovelace",
            "@example.com",
            "ada@",
            "ada@example",
            "ada@example..com",
            "ada..l@example.com",
            "mailto:ada@example.com",
            "ada@example.com;grace@example.com",
            "ada@example.com|grace@example.com",
            "ada@example.com/grace@example.com",
            "[ada@example.com]",
            "'ada@example.com',grace@example.com",
        ],
    );
    for entry in [
        "ada+videoask@example.co.uk",
        "o'neil@example.com",
        "jürgen@bücher.example",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "auth0|abc",
        "google-oauth2|103547991597142817347",
        "samlp|our-idp|ada@example.com",
        "d9f1b7c2-6c1f-4a2e-9f5b-0c1d2e3f4a5b",
        "01HV2K8Q3J",
        "vu-ada",
        "u-1",
        "u1",
        "ABCDEFGHIJKLMNOPqrst",
    ] {
        assert_eq!(users(entry).entries().collect::<Vec<_>>(), [entry]);
    }
    // A `sub` that ends like an e-mail address is not one, so it does not need the scope `email`.
    config(&[("ALLOWED_USERS", "samlp|our-idp|ada@example.com"), ("SCOPES", "offline_access")]);
}

#[test]
fn admit_by_email_in_any_case_and_by_user_id_or_sub_exactly() {
    let users = users("Ada@Example.com,User-1,auth0|1");
    assert_eq!(users.admits(Some("aDA@example.COM"), None, None), Some("Ada@Example.com"));
    assert_eq!(users.admits(None, Some("User-1"), None), Some("User-1"));
    assert_eq!(users.admits(None, None, Some("auth0|1")), Some("auth0|1"));
    assert_eq!(users.admits(Some("grace@example.com"), Some("user-1"), Some("AUTH0|1")), None);
    assert_eq!(users.admits(None, None, None), None);
}

#[test]
fn that_match_more_than_once_admit_as_the_first_of_them() {
    let users = users("user-1,ada@example.com,auth0|1");
    assert_eq!(users.admits(Some("ada@example.com"), None, Some("auth0|1")), Some("ada@example.com"));
    assert_eq!(users.admits(Some("ada@example.com"), Some("user-1"), Some("auth0|1")), Some("user-1"));
}

#[test]
fn are_not_admitted_by_an_email_that_looks_like_an_id() {
    assert_eq!(users("user-1").admits(Some("user-1"), None, None), None);
}
