use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_bytes_in_a_dotenv_make_it_panic_or_show_a_secret(
        before in proptest::collection::vec(any::<u8>(), 0..200),
        around in "[ '\"`\\\\$#=a\t]{0,4}",
        after in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let secrets = ["CLIENT_SECRET", "EXPRESS_SESSION", "EXPRESS_SESSION_PREVIOUS", "STORE_URL", "API_KEY"];
        let mut env = before;
        for name in secrets {
            env.extend(format!("\n{name}={around}canary{around}\n{name}_FILE={around}canary{around}\n").bytes());
        }
        env.extend(after);
        let shown = match load_in(folder(env).path(), &[]) {
            Ok(loaded) => format!("{loaded:?}"),
            Err(problems) => format!("{problems} {problems:?}"),
        };
        prop_assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn whatever_is_put_in_single_quotes_is_read_back(value in "[!-&(-~]{1,60}[!-&(-\\[\\]-~]") {
        let secret = format!("canary{value}{}", "x".repeat(32));
        let folder = folder(format!("EXPRESS_SESSION='{secret}'\n"));
        let environment = without("EXPRESS_SESSION");
    let config = load_in(folder.path(), &environment).unwrap().config;
        prop_assert_eq!(config.secrets.current.expose_secret(), secret);
    }

    #[test]
    fn no_values_of_the_environment_make_it_panic_or_show_a_secret(values in proptest::collection::vec(any::<String>(), 20)) {
        let values = VARIABLES.iter().zip(values).map(|(variable, value)| {
            let canary = if variable.is_secret() { "canary" } else { "" };
            (variable.name(), format!("{value}{canary}{value}"))
        });
        if let Err(problems) = Config::load(&values.collect(), &EnvFile::None) {
            let shown = format!("{problems} {problems:?}");
            prop_assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn any_text_is_a_duration_or_not_but_never_a_panic(text in "[0-9]{0,25}[a-zé ]{0,3}") {
        if let Ok(parsed) = duration::parse(&text) {
            prop_assert_eq!(duration::parse(&format!("{}ms", parsed.as_millis())), Ok(parsed));
        }
    }
}
