use super::*;

fn without_secret() -> Vec<(&'static str, &'static str)> {
    GLITCH.into_iter().filter(|(name, _)| *name != "CLIENT_SECRET").collect()
}

#[test]
fn gives_the_secret_without_its_newline_relative_to_the_env_file() {
    let folder = folder("CLIENT_SECRET_FILE=secret.txt\n");
    std::fs::write(folder.path().join("secret.txt"), "from-a-file\n").unwrap();
    let config = load_in(folder.path(), &without_secret()).unwrap().config;
    assert_eq!(config.provider.client_secret.secret(), "from-a-file");
}

#[test]
fn and_the_secret_itself_are_too_much() {
    let problem = problem(&[("CLIENT_SECRET_FILE", "/nowhere")]);
    assert_eq!(problem.wrong(), "CLIENT_SECRET_FILE is set too");
}

#[test]
fn that_cannot_be_read_is_not_named_since_it_may_be_the_secret() {
    let mut environment = without_secret();
    environment.push(("CLIENT_SECRET_FILE", "canary-client-secret"));
    let problems = Config::from_pairs(environment).unwrap_err();
    assert_eq!(about(&only(&problems)), "CLIENT_SECRET");
    assert!(!problems.to_string().contains("canary"), "{problems}");
}

#[test]
fn that_is_empty_is_a_problem() {
    let folder = folder("CLIENT_SECRET_FILE=secret.txt\n");
    std::fs::write(folder.path().join("secret.txt"), "\n").unwrap();
    let problems = load_in(folder.path(), &without_secret()).unwrap_err();
    assert!(only(&problems).wrong().contains("empty"), "{problems}");
}

#[test]
fn is_for_secrets_alone() {
    let folder = folder("CLIENT_ID_FILE=id.txt\n");
    let environment: Vec<_> = GLITCH.into_iter().filter(|(name, _)| *name != "CLIENT_ID").collect();
    let problems = load_in(folder.path(), &environment).unwrap_err();
    assert_eq!(only(&problems).wrong(), "it is required");
}
