use super::*;

#[test]
fn come_all_at_once_each_with_its_source_and_fix() {
    let folder = folder("APP_URL=https://videoask-x.glitch.me\nCLIENT_ID=abc\nPORT=http\n");
    let environment = [("HOST", "localhost:3000"), ("PKCE", "maybe")];
    let problems = load_in(folder.path(), &environment).unwrap_err();
    let names: Vec<_> = problems.problems().iter().map(about).collect();
    assert_eq!(names, ["APP_URL", "HOST", "PORT", "EXPRESS_SESSION", "CLIENT_SECRET", "PKCE"]);
    let text = problems.to_string();
    assert!(text.starts_with("6 problems found"), "{text}");
    let dotenv = folder.path().join(".env");
    assert!(text.contains(&format!("APP_URL ({}, line 1): it is at glitch.me", dotenv.display())), "{text}");
    assert!(text.contains("PKCE (environment): it is neither on nor off."), "{text}");
    assert!(text.contains("CLIENT_SECRET (not set): it is required."), "{text}");
    assert_eq!(text.matches("Fix: ").count(), 6, "{text}");
}

#[test]
fn of_keep_mode_come_up_even_where_its_list_is_refused() {
    let problems = refused(&[("ALLOWED_USERS", ",,"), ("EXPRESS_SESSION", "0123456789abcdef")]);
    let names: Vec<_> = problems.problems().iter().map(about).collect();
    assert_eq!(names, ["ALLOWED_USERS", "EXPRESS_SESSION"]);
}

#[test]
fn bring_the_warnings_along_since_a_misspelt_name_may_be_the_cause() {
    let folder = folder("CLIENTID=abc\n");
    let environment = without("CLIENT_ID");
    let problems = load_in(folder.path(), &environment).unwrap_err();
    assert_eq!(about(&only(&problems)), "CLIENT_ID");
    assert!(problems.to_string().contains("If CLIENT_ID is meant"), "{problems}");
}
