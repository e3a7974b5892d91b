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
