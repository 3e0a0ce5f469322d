//! `kidoban bench` from outside: what a quick run says, and that it is not trained on what it is tested on.

use std::process::Command;

use serde_json::Value;

use crate::support::root;

fn bench(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kidoban"));
    let output = command.arg("bench").args(arguments).current_dir(root()).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), stdout, stderr)
}

fn row<'a>(rows: &'a Value, name: &str) -> &'a Value {
    let rows = rows.as_array().unwrap();
    rows.iter().find(|row| row["population"] == name).unwrap_or_else(|| panic!("no {name} in {rows:?}"))
}

#[test]
fn a_quick_run_finds_the_easy_bots_and_blocks_nobody() {
    let (code, stdout, stderr) = bench(&["--quick", "--json", "--seed", "3"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "no terminal, no progress");
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((found["seed"].as_u64(), found["is_quick"].as_bool()), (Some(3), Some(true)));

    let columns = found["columns"].as_array().unwrap();
    assert!(columns.len() == 8 && columns[0]["is_detector"] == true, "{columns:?}");
    let training = &found["training"];
    let seeds = |name: &str| training[name].as_array().unwrap().clone();
    assert!(!seeds("seeds").is_empty() && seeds("seeds").iter().all(|seed| !seeds("test_seeds").contains(seed)));
    assert!(training["people"].as_u64() > Some(900) && training["bots"].as_u64() > Some(100), "{training}");

    let people = &found["people"]["of"][0];
    assert!(people["refused"]["n"].as_u64() > Some(500), "{people}");
    assert_eq!(people["blocked"]["k"], 0, "{people}");
    assert!(people["refused"]["share"].as_f64() < Some(0.01), "{people}");
    for name in ["scraper", "brute_forcer", "scanner", "poller", "scheduler_0"] {
        let of = &row(&found["bad"], name)["of"][0];
        assert!(of["detected"]["share"].as_f64() >= Some(0.9), "{name}: {of}");
        assert!(of["requests_to_detect"]["median"].as_u64() < Some(20), "{name}: {of}");
    }
    let verdicts = found["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), found["bad"].as_array().unwrap().len());
    assert!(verdicts.iter().all(|verdict| verdict["against"].as_array().unwrap().len() == 6));
    assert!(found["summary"].as_str().unwrap().contains("people the detector blocks 0"), "{}", found["summary"]);
    let heat = found["heat"]["detected"].as_array().unwrap();
    assert!(heat.len() > 1 && heat.iter().all(|row| row.as_array().unwrap().len() > 1));
}

#[test]
fn one_log_alone_is_an_error_that_says_what_to_do() {
    let (code, _, stderr) = bench(&["--site", "anything"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("give two or more"), "{stderr}");
}
