use super::*;

#[test]
fn is_read_where_both_readers_agree() {
    let cases = [
        ("CLIENT_ID=abc", "abc"),
        ("  CLIENT_ID = abc  ", "abc"),
        ("export CLIENT_ID=abc", "abc"),
        ("CLIENT_ID=abc\r", "abc"),
        ("\u{feff}CLIENT_ID=abc", "abc"),
        ("CLIENT_ID=abc # don't", "abc"),
        ("CLIENT_ID=abc   # \"two\" spaces", "abc"),
        ("CLIENT_ID='a$b\\c#d'", "a$b\\c#d"),
        ("CLIENT_ID='abc' # $comment", "abc"),
        ("CLIENT_ID=\"a#c\"\t# comment", "a#c"),
        ("CLIENT_ID=a=b==", "a=b=="),
        ("# CLIENT_ID='\n\nCLIENT_ID=abc", "abc"),
    ];
    for (line, value) in cases {
        let read = client_id_by(line);
        assert_eq!(read.as_deref(), Ok(value), "{line}");
    }
}

#[test]
fn is_refused_where_they_do_not_and_single_quotes_are_the_fix() {
    let cases = [
        ("CLIENT_ID=a$b", "a `$`"),
        ("CLIENT_ID=\"a$b\"", "a `$`"),
        ("CLIENT_ID=a\\b", "a `\\`"),
        ("CLIENT_ID=\"a\\b\"", "a `\\`"),
        ("CLIENT_ID='ab\\'", "a `\\`"),
        ("CLIENT_ID=a#b", "a `#`"),
        ("CLIENT_ID=a b", "a space"),
        ("CLIENT_ID=a\u{a0}b", "a space"),
        ("CLIENT_ID='a' b", "a space"),
        ("CLIENT_ID=a\"b\"", "a quote"),
        ("CLIENT_ID='a'b", "a quote"),
        ("CLIENT_ID=\"a\"#b", "a quote"),
        ("CLIENT_ID=`ab`", "a quote"),
    ];
    for (line, wrong) in cases {
        let problem = client_id_by(line).unwrap_err();
        assert_eq!(about(&problem), "CLIENT_ID", "{line}");
        assert!(problem.message().contains(wrong), "{line}: {}", problem.message());
        assert!(problem.fix().contains("single quotes"), "{line}: {}", problem.fix());
    }
}

#[test]
fn has_a_line_that_cannot_be_read_reported_by_its_number_alone() {
    let lines: [&[u8]; 5] = [b"canary", b"canary canary=x", b"CLIENT-ID=canary", b"X=canary\x00", b"X=canary\xff"];
    for line in lines {
        let folder = folder([b"# first\n", line].concat());
        let problems = load_in(folder.path(), &GLITCH).unwrap_err();
        let shown = format!("{problems} {problems:?}");
        assert!(shown.contains("line 2") && !shown.contains("canary"), "{shown}");
    }
    let open = client_id_by("CLIENT_ID='abc").unwrap_err();
    assert!(open.message().contains("not closed"), "{}", open.message());
}

#[test]
fn yields_to_a_real_variable_but_not_to_an_empty_one() {
    let folder = folder("PORT=1111\nHOST=0.0.0.0\n");
    let loaded = load_in(folder.path(), &pairs(&[("PORT", "2222"), ("HOST", " ")])).unwrap();
    assert_eq!(loaded.config.listen, Listen { host: "0.0.0.0".into(), port: 2222 });
    assert_eq!(loaded.env_file, EnvLookup::Read(folder.path().join(".env")));
}

#[test]
fn may_not_set_a_variable_twice() {
    let problem = client_id_by("CLIENT_ID=abc\nCLIENT_ID=abc").unwrap_err();
    assert_eq!(problem.message(), "CLIENT_ID is already set in line 1");
}

#[test]
fn may_hold_other_programs_variables() {
    let folder = folder("NODE_ENV=production\nNODE_ENV=test\nDATABASE_URL=x\n");
    assert!(load_in(folder.path(), &GLITCH).unwrap().warnings.is_empty());
}

#[test]
fn in_a_parent_folder_is_not_read() {
    let folder = folder("CLIENT_ID=abc\n");
    let child = folder.path().join("child");
    std::fs::create_dir(&child).unwrap();
    assert_eq!(load_in(&child, &GLITCH).unwrap().env_file, EnvLookup::Missing(child.join(".env")));
}

#[test]
fn must_be_there_if_it_was_named() {
    let folder = folder("PORT=4000\n");
    let load = |name| Config::load(&GLITCH.into_iter().collect(), &EnvFile::Named(folder.path().join(name)));
    assert_eq!(load(".env").unwrap().config.listen.port, 4000);
    let other = folder.path().join("other.env");
    let problem = only(&load("other.env").unwrap_err());
    assert_eq!((problem.message(), problem.source()), ("there is no such file", &ValueSource::EnvFile(other)));
}

#[test]
fn that_cannot_be_read_is_the_one_problem_and_not_what_follows_from_it() {
    let nothing = Environment::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    let load = || Config::load(&nothing, &EnvFile::In(folder.path().to_owned())).unwrap_err();

    let problems = load();
    assert_eq!(problems.problems().len(), 4, "{problems}");
    assert!(problems.to_string().starts_with(&format!("There is no {}: only", path.display())), "{problems}");

    std::fs::create_dir(&path).unwrap();
    let problem = only(&load());
    assert_eq!((problem.message(), problem.source()), ("this is a directory", &ValueSource::EnvFile(path)));

    let named = Config::load(&nothing, &EnvFile::Named("no/such.env".into())).unwrap_err();
    let absolute = std::env::current_dir().unwrap().join("no/such.env");
    assert!(named.to_string().contains(&absolute.display().to_string()), "{named}");
    only(&named);
}

#[test]
fn that_is_utf_16_is_named_as_such_once() {
    let text = "CLIENT_ID=abc\r\nCLIENT_SECRET=canary\r\nAPP_URL=http://localhost:3000\r\nEXPRESS_SESSION=canary\r\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [[&[0xff, 0xfe], &*little].concat(), [&[0xfe, 0xff], &*big].concat(), little, big] {
        let problem = only(&load_in(folder(bytes).path(), &[]).unwrap_err());
        assert_eq!(problem.message(), "the file is UTF-16, not UTF-8");
        assert!(problem.fix().contains("Save it as UTF-8"), "{}", problem.fix());
    }
}
