use tracing::Level;
use tracing_subscriber::filter::Targets;

use super::*;

fn filter(value: &str) -> Targets {
    config(&[("RUST_LOG", value)]).telemetry.filter.expect("it is set").parse().expect("a filter")
}

#[test]
fn is_all_that_the_demo_reads() {
    let environment = [("RUST_LOG", "warn,videoask_auth=debug"), ("LOG_FORMAT", "json"), ("PORT", "nonsense")];
    let telemetry = TelemetryConfig::load(&environment.into_iter().collect()).unwrap();
    let filter: Targets = telemetry.filter.unwrap().parse().unwrap();
    assert!(filter.would_enable("videoask_auth::web", &Level::DEBUG));
    assert!(!filter.would_enable("hyper", &Level::INFO));
    assert_eq!(telemetry.format, LogFormat::Json);
}

#[test]
fn with_an_unknown_directive_is_an_error_since_it_would_silence_everything() {
    let values = [
        "warning",
        "verbose",
        "on",
        "true",
        "1s",
        "=",
        "=debug",
        "debug,verbose",
        "videoask_auth=loud",
        "videoask_auth=",
        "videoask_authx=debug",
        "videoask=debug",
        "hyper=warn",
        "a=b=c",
        "info=videoask_auth",
        "videoask_auth=info=debug",
        "info;videoask_auth=debug",
        "info videoask_auth=debug",
        "[web]=debug",
        ",",
    ];
    for value in values {
        let problem = problem(&[("RUST_LOG", value)]);
        assert_eq!(about(&problem), "RUST_LOG", "{value}");
        assert!(problem.fix().contains("error, warn, info, debug, trace or off"), "{value}: {}", problem.fix());
    }
    assert_refused("LOG_FORMAT", &["xml"]);
}

#[test]
fn names_a_target_of_ours_with_an_underscore_or_a_hyphen_with_or_without_a_level() {
    for value in [
        "videoask-auth=debug",
        "videoask_auth=debug",
        "videoask-auth",
        "videoask_auth",
        " info , videoask-auth = debug ",
        "info,videoask_auth::web=debug,",
        "videoask-auth::web=DEBUG",
    ] {
        assert!(filter(value).would_enable("videoask_auth::web", &Level::DEBUG), "{value}");
    }
}

#[test]
fn that_names_targets_alone_leaves_every_other_error_in_the_log() {
    for value in ["videoask_auth::web=debug", "videoask_auth::no_such_module=debug", "videoask-auth=info"] {
        assert!(filter(value).would_enable("videoask_auth::vault", &Level::ERROR), "{value}");
        assert!(filter(value).would_enable("hyper", &Level::ERROR), "{value}");
    }
    for level in ["off", "OFF", "error", "warn", "info", "debug", "trace", "3"] {
        let expected = level != "off" && level != "OFF";
        assert_eq!(filter(level).would_enable("videoask_auth::vault", &Level::ERROR), expected, "{level}");
    }
}
