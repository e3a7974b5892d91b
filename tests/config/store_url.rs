use super::*;

fn sqlite(store: StoreUrl) -> std::path::PathBuf {
    let StoreUrl::Sqlite(path) = store else { panic!("not SQLite: {store:?}") };
    path
}

#[test]
fn of_sqlite_is_a_path_relative_to_the_env_file_that_was_read() {
    let folder = folder("STORE_URL='sqlite://data/my tokens.db'\n");
    let config = load_in(folder.path(), &GLITCH).unwrap().config;
    assert_eq!(sqlite(config.store), folder.path().join("data/my tokens.db"));
}

#[test]
fn of_sqlite_is_relative_to_the_working_directory_without_an_env_file() {
    let here = std::env::current_dir().unwrap();
    assert_eq!(sqlite(config(&[]).store), here.join("videoask-auth.db"));
    assert_eq!(sqlite(config(&[("STORE_URL", "sqlite:///data/a.db")]).store), Path::new("/data/a.db"));
}

#[test]
fn of_redis_is_kept_and_never_shown() {
    for value in ["redis://localhost:6379", "rediss://user:canary@redis.example.com:6380/1"] {
        let store = config(&[("STORE_URL", value)]).store;
        assert!(!format!("{store:?}").contains("canary"));
        assert!(matches!(store, StoreUrl::Redis(url) if url.expose_secret() == value));
    }
}

#[test]
fn of_another_form_is_refused_with_the_forms_and_without_its_password() {
    let values = [
        "postgres://ada:canary@localhost/db",
        "redis://:canary@localhost:port",
        "redis://ada:canary@localhost/canary",
        "sqlite:canary.db",
        "sqlite://",
        "sqlite://data/",
        "sqlite://:memory:",
        "memory",
        "canary.db",
    ];
    for value in values {
        let problems = refused(&[("STORE_URL", value)]);
        assert_eq!(about(&only(&problems)), "STORE_URL");
        assert!(!format!("{problems} {problems:?}").contains("canary"), "{problems}");
    }
    assert!(problem(&[("STORE_URL", "memory")]).fix().contains("sqlite://"));
}

#[test]
fn of_redis_with_an_unescaped_special_character_is_refused_with_how_to_encode_it() {
    for password in
        ["Ab@cd#ef", "can#ary", "can?ary", "can/ary", "can ary", "can%ary", "can%zary", "can[ary", "c\u{e4}nary"]
    {
        for login in [format!(":{password}"), format!("ada:{password}")] {
            let problems = refused(&[("STORE_URL", &format!("redis://{login}@127.0.0.1:1"))]);
            let problem = only(&problems);
            assert!(problem.message().contains("special character"), "{password}: {problem}");
            assert!(problem.fix().contains("@ is written %40"), "{problem}");
            for part in ["Ab", "cd", "ef", "can", "ary", "ada", "127.0.0.1"] {
                assert!(!format!("{problems} {problems:?}").contains(part), "{part}: {problems}");
            }
        }
    }
    for url in ["redis://:Ab%40cd%23ef@127.0.0.1:1", "redis://ada:a!$&'()*+,;=:~._-z@h", "rediss://[::1]:6380/15"] {
        assert!(matches!(config(&[("STORE_URL", url)]).store, StoreUrl::Redis(_)), "{url}");
    }
}

#[test]
fn of_redis_has_no_parameters_no_fragment_and_one_host() {
    for (rest, fix) in [
        ("h:6379?db=2", "/2, not ?db=2"),
        ("h/0?protocol=resp3", "without parameters"),
        ("h:6379/0#insecure", "Leave out the #"),
        ("canary@h", "redis://:password@host"),
        ("ada:@h", "redis://:password@host"),
        ("h:6379/two", "redis://user:password@host:port/database"),
        ("h:6379/2/3", "redis://user:password@host:port/database"),
        ("h:0", "redis://user:password@host:port/database"),
        ("h:65536", "redis://user:password@host:port/database"),
        ("h1:1,h2:2", "redis://user:password@host:port/database"),
        ("h/99999999999999999999", "redis://user:password@host:port/database"),
        ("", "redis://user:password@host:port/database"),
        (":6379", "redis://user:password@host:port/database"),
        ("[::1", "redis://user:password@host:port/database"),
    ] {
        for scheme in ["redis", "rediss"] {
            let problem = problem(&[("STORE_URL", &format!("{scheme}://{rest}"))]);
            assert!(problem.fix().contains(fix), "{rest}: {problem}");
        }
    }
}

#[test]
fn of_sqlite_has_no_parameters_but_a_file_name_may_have_a_question_mark() {
    for path in ["/x.db?mode=rwc", "x.db?mode=ro&cache=shared", "data/x.db?_pragma=busy_timeout", "x.db?vfs="] {
        let problem = problem(&[("STORE_URL", &format!("sqlite://{path}"))]);
        assert!(problem.message().contains("parameters"), "{path}: {problem}");
    }
    for path in ["/really?.db", "/a?b.db", "/why?not.db"] {
        assert_eq!(sqlite(config(&[("STORE_URL", &format!("sqlite://{path}"))]).store), Path::new(path));
    }
}

#[test]
fn of_memory_is_a_warning_in_keep_mode() {
    assert!(matches!(config(&[("STORE_URL", "memory:")]).store, StoreUrl::Memory));
    assert!(loaded(&[("STORE_URL", "memory:")]).warnings.is_empty());
    assert_eq!(about(&warning(&[("STORE_URL", "memory:"), ("ALLOWED_USERS", "u-1")])), "STORE_URL");
}
