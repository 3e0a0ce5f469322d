//! The configuration file, and the edit of its thresholds by `tune --write`.

use std::path::Path;

use gate::Config;
use gate::config::edit::with_policy;

const SCORES: [(&str, f64); 2] = [("limit_score", 0.8125), ("block_score", 0.96875)];
const EVIDENCE: &str = "[tuned]\nmodel_sha256 = \
    \"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"\n\
    limit_score = { score = 0.8125, people = 900, above = 1, at_most = 0.01, confidence = 0.95, \
    from_pages = 5 }\n";

/// A text that is refused names its line. One that is accepted can be edited, is accepted with its
/// new thresholds, says all else as before, and does not change when it is edited again. What the
/// proxy accepts says to the gate what it says to whoever reads a log under it.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let config = match parse(&text) {
        Ok(config) => config,
        Err(problem) => {
            assert!(problem.starts_with("kidoban.toml:"), "{problem}");
            assert!(proxy_config(&text).is_err(), "the proxy accepts what the gate refuses");
            // The edit reads more than the gate does. It must not fail in another way than by
            // saying so.
            drop(with_policy(&text, path(), &SCORES, EVIDENCE).map_err(|error| error.to_string()));
            return;
        }
    };
    let all = format!("{config:?}");
    assert_eq!(format!("{:?}", parse(&text).expect("it did before")), all);
    match proxy_config(&text) {
        Ok(proxy) => assert_eq!(format!("{:?}", proxy.gate()), all),
        Err(problem) => assert!(problem.starts_with("kidoban.toml:"), "{problem}"),
    }
    for evidence in ["", EVIDENCE] {
        let edited = with_policy(&text, path(), &SCORES, evidence).expect("it is a configuration");
        let after = parse(&edited).unwrap_or_else(|problem| panic!("{problem}\n{edited}"));
        let mut policy = config.policy().clone();
        (policy.limit_score, policy.block_score) = (Some(0.8125), Some(0.96875));
        assert_eq!(format!("{:?}", after.policy()), format!("{policy:?}"));
        assert_eq!(rest(&after), rest(&config), "{edited}");
        assert!(evidence.is_empty() || after.tuned().is_some());
        let again = with_policy(&edited, path(), &SCORES, evidence).expect("it was edited once");
        assert_eq!(again, edited, "a second time changes nothing");
    }
}

fn path() -> &'static Path {
    Path::new("kidoban.toml")
}

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, path(), &gate::Overrides::default()).map_err(|error| error.to_string())
}

fn proxy_config(text: &str) -> Result<proxy::Config, String> {
    // Most of what a fuzzer finds names no shop.
    let upstream = Some("http://127.0.0.1:3000".to_owned());
    let overrides = proxy::Overrides { upstream, ..proxy::Overrides::default() };
    proxy::Config::parse(text, path(), &overrides).map_err(|error| error.to_string())
}

/// All that a configuration tells of itself but its thresholds.
fn rest(config: &Config) -> String {
    let numbers = (config.admin(), config.capacity(), config.trusted_proxies());
    let paths = (config.model_path(), config.event_log_path());
    let words = (config.mode(), config.outcomes(), config.warnings());
    format!("{numbers:?} {paths:?} {words:?}")
}
