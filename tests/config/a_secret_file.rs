use super::*;

#[test]
fn gives_the_secret_without_its_newline_relative_to_the_env_file() {
    let folder = folder("CLIENT_SECRET_FILE=secret.txt\n");
    std::fs::write(folder.path().join("secret.txt"), "from-a-file\n").unwrap();
    let config = load_in(folder.path(), &without("CLIENT_SECRET")).unwrap().config;
    assert_eq!(config.provider.client_secret.secret(), "from-a-file");
}

#[test]
fn and_the_secret_itself_are_too_much() {
    let problem = problem(&[("CLIENT_SECRET_FILE", "/nowhere")]);
    assert_eq!(problem.message(), "CLIENT_SECRET_FILE is set too");
}

#[test]
fn that_cannot_be_read_is_not_named_since_it_may_be_the_secret() {
    let mut environment = without("CLIENT_SECRET");
    environment.push(("CLIENT_SECRET_FILE", "canary-client-secret"));
    let problems = Config::from_pairs(environment).unwrap_err();
    assert_eq!(about(&only(&problems)), "CLIENT_SECRET");
    assert!(!problems.to_string().contains("canary"), "{problems}");
}

#[test]
fn that_is_empty_is_a_problem() {
    let folder = folder("CLIENT_SECRET_FILE=secret.txt\n");
    std::fs::write(folder.path().join("secret.txt"), "\n").unwrap();
    let problems = load_in(folder.path(), &without("CLIENT_SECRET")).unwrap_err();
    assert!(only(&problems).message().contains("empty"), "{problems}");
}

#[test]
fn is_for_secrets_alone() {
    let folder = folder("CLIENT_ID_FILE=id.txt\n");
    let environment = without("CLIENT_ID");
    let problems = load_in(folder.path(), &environment).unwrap_err();
    assert_eq!(only(&problems).message(), "it is required");
}

#[test]
fn gives_the_secret_without_a_byte_order_mark_and_white_space() {
    let folder = folder("EXPRESS_SESSION_FILE=secret.txt\n");
    let secret = "0123456789abcdef0123456789abcdef";
    let environment = without("EXPRESS_SESSION");
    for text in [format!("\u{feff}{secret}\r\n"), format!(" \t\n{secret} \n\n"), format!("\u{feff} {secret}\u{a0}")] {
        std::fs::write(folder.path().join("secret.txt"), &text).unwrap();
        let config = load_in(folder.path(), &environment).unwrap().config;
        assert_eq!(config.secrets.current.expose_secret(), secret, "{text:?}");
    }
    let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.path().join("secret.txt"), [&[0xff, 0xfe], &*utf16].concat()).unwrap();
    let problem = only(&load_in(folder.path(), &environment).unwrap_err());
    assert_eq!(problem.message(), "the file is UTF-16, not UTF-8");
}

#[test]
fn with_an_invisible_character_inside_is_a_problem_as_it_is_in_any_value() {
    for character in ['\u{feff}', '\u{200b}', '\u{ad}'] {
        let secret = format!("0123456789abcdef{character}0123456789abcdef");
        assert!(problem(&[("EXPRESS_SESSION", &secret)]).message().contains("invisible"), "{character:?}");
    }
}
