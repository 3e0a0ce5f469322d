//! The configuration file, and the edit of its thresholds by `tune --write`.

use std::path::Path;

use gate::config::Config;
use gate::config::edit::with_policy;

const SCORES: [(&str, f64); 2] = [("limit_score", 0.8125), ("block_score", 0.96875)];
const EVIDENCE: &str = "[tuned]\nmodel_sha256 = \
    \"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"\n\
    limit_score = { score = 0.8125, people = 900, above = 1, at_most = 0.01, confidence = 0.95, \
    from_pages = 5 }\n";

/// A text that is refused names its line. One that is accepted can be edited, is accepted with its
/// new thresholds, says all else as before, and does not change when it is edited again.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let config = match parse(&text) {
        Ok(config) => config,
        Err(problem) => {
            assert!(problem.starts_with("kidoban.toml:"), "{problem}");
            // The edit reads more than the gate does. It must not fail in another way than by
            // saying so.
            drop(with_policy(&text, path(), &SCORES, EVIDENCE).map_err(|error| error.to_string()));
            return;
        }
    };
    assert_eq!(format!("{config:?}"), format!("{:?}", parse(&text).expect("it did before")));
    let door = proxy_part(&text);
    for evidence in ["", EVIDENCE] {
        let edited = with_policy(&text, path(), &SCORES, evidence).expect("it is a configuration");
        let after = parse(&edited).unwrap_or_else(|problem| panic!("{problem}\n{edited}"));
        let mut policy = config.policy().clone();
        (policy.limit_score, policy.block_score) = (Some(0.8125), Some(0.96875));
        assert_eq!(format!("{:?}", after.policy()), format!("{policy:?}"));
        assert_eq!(rest(&after), rest(&config), "{edited}");
        assert_eq!(proxy_part(&edited), door, "{edited}");
        assert!(evidence.is_empty() || after.tuned().is_some());
        let again = with_policy(&edited, path(), &SCORES, evidence).expect("it was edited once");
        assert_eq!(again, edited, "a second time changes nothing");
    }
}

fn path() -> &'static Path {
    Path::new("kidoban.toml")
}

/// The part that every door shares. It needs no shop: most of what a fuzzer finds names none.
fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, path(), &gate::Overrides::default()).map_err(|error| error.to_string())
}

/// What a configuration says to the proxy, or that it says something wrong.
fn proxy_part(text: &str) -> Option<String> {
    let overrides = proxy::Overrides {
        upstream: (!text.contains("upstream")).then(|| "http://127.0.0.1:3000".to_owned()),
        ..proxy::Overrides::default()
    };
    match proxy::Config::parse(text, path(), &overrides) {
        Ok(config) => {
            let addresses = (config.listen(), config.upstream());
            Some(format!("{addresses:?} {:?}", config.warnings()))
        }
        Err(error) => {
            let problem = error.to_string();
            assert!(problem.starts_with("kidoban.toml"), "{problem}");
            None
        }
    }
}

/// All that the shared part tells of itself but its thresholds.
fn rest(config: &Config) -> String {
    let (admin, capacity) = (config.admin(), config.capacity());
    let paths = (config.model_path(), config.event_log_path());
    let words = (config.mode(), config.outcomes(), config.warnings());
    format!("{admin:?} {capacity:?} {paths:?} {words:?}")
}
