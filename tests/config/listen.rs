use super::*;

#[test]
fn is_an_address_or_a_name_and_a_port() {
    for (value, host) in [("0.0.0.0", "0.0.0.0"), ("::1", "::1"), ("[::1]", "::1"), ("LocalHost", "localhost")] {
        assert_eq!(config(&[("HOST", value)]).listen.host, host);
    }
    assert_refused("HOST", &["localhost:3000", "http://localhost", "a b"]);
    assert_eq!(config(&[("PORT", "0")]).listen.port, 0);
    assert_refused("PORT", &["65536", "-1", "http"]);
}

#[test]
fn is_all_that_a_health_check_reads() {
    let folder = folder("HOST=0.0.0.0\nPORT=4000\nCLIENT_SECRET=a$b\nbroken\nAPP_URL=nonsense\n");
    let load = |environment: Environment| Listen::load(&environment, &EnvFile::In(folder.path().to_owned()));
    assert_eq!(load(Environment::default()), Ok(Listen { host: "0.0.0.0".into(), port: 4000 }));
    let problems = load([("PORT", "x")].into_iter().collect()).unwrap_err();
    assert_eq!(about(&only(&problems)), "PORT");
}

#[test]
fn on_another_port_than_a_loopback_app_url_is_a_warning() {
    let local = ("APP_URL", "http://localhost:3000");
    let found = warning(&[local, ("PORT", "8080")]);
    assert_eq!(about(&found), "PORT");
    assert!(found.fix().contains("APP_URL=http://localhost:8080") && found.fix().contains("PORT=3000"), "{found}");
    assert_eq!(about(&warning(&[("APP_URL", "http://127.0.0.1")])), "PORT");
    for fitting in
        [&[local][..], &[local, ("PORT", "3000")], &[local, ("PORT", "0")], &[("APP_URL", "https://localhost")]]
    {
        assert_eq!(loaded(fitting).warnings, [], "{fitting:?}");
    }
}

#[test]
fn on_loopback_by_default_where_a_platform_sets_the_port_is_a_warning() {
    let found = warning(&[("PORT", "8080")]);
    assert_eq!(about(&found), "HOST");
    assert!(found.fix().contains("HOST=0.0.0.0"), "{found}");
    for host in ["0.0.0.0", "127.0.0.1", "::"] {
        assert_eq!(loaded(&[("PORT", "8080"), ("HOST", host)]).warnings, []);
    }
    let folder = folder("PORT=8080\n");
    assert_eq!(load_in(folder.path(), &GLITCH).unwrap().warnings, [], "the operator chose this port");
}

#[test]
fn max_connections_is_a_number_and_has_no_value_unless_it_is_set() {
    assert_eq!(config(&[]).max_connections, None);
    assert_eq!(config(&[("MAX_CONNECTIONS", "1")]).max_connections.map(usize::from), Some(1));
    assert_refused("MAX_CONNECTIONS", &["0", "-1", "many", "1.5", "1000001", "99999999999999999999"]);
}
