use super::*;

#[test]
fn is_all_that_the_demo_reads() {
    let environment = [("RUST_LOG", "warn,videoask_auth=debug"), ("LOG_FORMAT", "json"), ("PORT", "nonsense")];
    let telemetry = TelemetryConfig::load(&environment.into_iter().collect()).unwrap();
    assert_eq!(telemetry.filter.as_deref(), Some("warn,videoask_auth=debug"));
    assert_eq!(telemetry.format, LogFormat::Json);
}

#[test]
fn is_checked() {
    assert_refused("RUST_LOG", &["videoask_auth=loud", "a=b=c"]);
    assert_refused("LOG_FORMAT", &["xml"]);
}
