//! Labels are written whole or not at all, and the clients nearest to a threshold are proposed.

use std::sync::Arc;

use traffic::sim::{self, Mix};

use crate::support::command::kidoban;
use crate::support::{Folder, model};

#[test]
fn a_label_is_written_where_train_reads_it() {
    let folder = Folder::new("label");
    let label = |arguments: &[&str]| kidoban(&folder.0, &[&["label"], arguments].concat());
    let read = || std::fs::read_to_string(folder.path("labels.csv")).unwrap();
    let said = label(&["192.0.2.7", "human", "--why", "wrote, twice"]).assert(0).stdout;
    assert!(said.starts_with("192.0.2.7 is labelled human in labels.csv.\n"), "{said}");
    assert_eq!(read(), "client,label,why\n192.0.2.7,human,\"wrote, twice\"\n");
    let said = label(&["shopper-17", "bad"]).assert(0).stdout;
    assert!(said.contains("2 clients are labelled there. Next: kidoban train"), "{said}");
    let said = label(&["192.0.2.7", "bad", "--json"]).assert(0).json();
    assert_eq!(
        (&said["before"][0]["label"], &said["before"][0]["why"]),
        (&"human".into(), &"wrote, twice".into())
    );
    assert_eq!(read(), "client,label,why\n192.0.2.7,bad,\nshopper-17,bad,\n");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left beside it");

    let before = read();
    let refused = |arguments: &[&str], expect: &str| {
        let said = label(arguments).assert(2).stderr;
        assert!(said.contains(expect), "{said}");
        assert_eq!(read(), before);
    };
    refused(&["192.0.2.7", "robot"], "expected human, bad, good_bot or unknown");
    refused(&["human", "192.0.2.7"], "kidoban label 192.0.2.7 human");
    refused(&["192.0.2.7"], "expected a client and its label");
    refused(&["192.0.2.0/24", "bad"], "is a network");
    refused(&["192.0.2.7", "bad", "--why", "a\nb"], "one line");
    folder.write("broken.csv", "ip,label\n");
    refused(&["192.0.2.7", "bad", "--labels", "broken.csv"], "broken.csv:1: expected the header");
    refused(
        &["192.0.2.7", "bad", "--labels", "no/such/folder.csv"],
        "no/such/folder.csv: cannot be written",
    );
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_rights_and_a_link_its_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("label-link");
    let path = folder.write("real.csv", "client,label\r\n192.0.2.1,bad\r\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.csv", folder.path("labels.csv")).unwrap();
    kidoban(&folder.0, &["label", "192.0.2.7", "human"]).assert(0);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "client,label,why\r\n192.0.2.1,bad\r\n192.0.2.7,human,\r\n"
    );
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(folder.path("labels.csv").is_symlink());
}

#[test]
fn those_nearest_to_a_threshold_are_proposed_until_they_are_labelled() {
    let folder = Folder::new("propose");
    model::write(&folder, &model::file("lively", model::lively()));
    folder.write(
        "kidoban.toml",
        "upstream = \"http://127.0.0.1:1\"\nmodel = \"lively.json\"\n[policy]\nlimit_score = \
            0.3\nblock_score = 0.9\n",
    );
    let site = Arc::new(sim::Site::with_size(5, 300, 6));
    let day = sim::simulate(&site, 5, model::DAY, &Mix::of(60, 30), model::DAY_US / 4);
    let mut log = Vec::new();
    sim::write_combined(&day, &mut log).unwrap();
    folder.write("access.log", log);
    let propose = |more: &[&str]| {
        let json = kidoban(
            &folder.0,
            &[&["label", "--propose", "access.log", "--json", "--top", "9"], more].concat(),
        );
        json.assert(0).json()["borderline"].as_array().unwrap().clone()
    };
    let found = propose(&["-c", "kidoban.toml"]);
    assert_eq!(found.len(), 9);
    let distance = |row: &serde_json::Value| row["distance"].as_f64().unwrap().abs();
    assert!(found.is_sorted_by(|a, b| distance(a) <= distance(b)), "{found:?}");
    assert!(found.iter().all(|row| !row["because"].as_array().unwrap().is_empty()), "{found:?}");
    let first = found[0]["client"].as_str().unwrap();
    // Said of it is what a replay gives it.
    let lines = kidoban(
        &folder.0,
        &["replay", "access.log", "-c", "kidoban.toml", "--client", first, "--json-lines"],
    )
    .assert(0)
    .stdout;
    let scores = lines.lines().filter_map(|line| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["score"].as_f64()
    });
    assert!((scores.fold(0.0, f64::max) - found[0]["score"].as_f64().unwrap()).abs() < 1e-6);
    kidoban(&folder.0, &["label", first, "human"]).assert(0);
    assert_ne!(propose(&["-c", "kidoban.toml"])[0]["client"], first);
    // A model without thresholds: nearest to even odds.
    assert_eq!(propose(&["--model", "lively.json"])[0]["threshold"], "even odds");
    let said = kidoban(&folder.0, &["label", "--propose", "access.log", "-c", "kidoban.toml"])
        .assert(0)
        .stdout;
    let hint = said.lines().find_map(|line| line.strip_prefix("Look at one:  kidoban ")).unwrap();
    assert!(
        hint.ends_with(" access.log -c kidoban.toml"),
        "the judge that was given explains: {hint}"
    );
    kidoban(&folder.0, &hint.split(' ').collect::<Vec<_>>()).assert(0);
    let one = kidoban(
        &folder.0,
        &["label", "--propose", "access.log", "-c", "kidoban.toml", "--top", "1"],
    )
    .assert(0)
    .stdout;
    assert!(one.starts_with("The 1 client nearest"), "{one}");
    assert!(
        said.contains("nearest to a threshold of lively and whom labels.csv leaves open"),
        "{said}"
    );
}
