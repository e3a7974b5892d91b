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
    assert!(problem(&[("STORE_URL", "memory")]).mend().contains("sqlite://"));
}

#[test]
fn of_memory_is_a_warning_in_keep_mode() {
    assert!(matches!(config(&[("STORE_URL", "memory:")]).store, StoreUrl::Memory));
    assert!(loaded(&[("STORE_URL", "memory:")]).warnings.is_empty());
    assert_eq!(about(&warning(&[("STORE_URL", "memory:"), ("ALLOWED_USERS", "u-1")])), "STORE_URL");
}
