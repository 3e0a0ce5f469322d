//! Errors and remarks that lead to what is wrong.

use crate::cli::labelled_day;
use crate::support::Folder;
use crate::support::command::kidoban;

#[test]
fn a_reason_is_said_once() {
    let folder = Folder::new("once");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let check = |arguments: &[&str], reason: &str| {
        let said = kidoban(&folder.0, arguments).assert(2).stderr;
        assert_eq!(said.matches(reason).count(), 1, "{said}");
        assert!(!said.contains(".:"), "{said}");
    };
    check(&["check", "-c", "missing.toml"], "No such file");
    let run = ["run", "--upstream", "http://127.0.0.1:1", "--admin", "127.0.0.1:0", "--listen"];
    check(&[&run[..], &[&address]].concat(), "in use");
    check(
        &[&run[..], &["127.0.0.1:0", "--event-log", "nowhere/events.log"]].concat(),
        "No such file",
    );
}

#[test]
fn labels_of_nobody_in_the_log_and_names_that_are_no_addresses_are_remarked() {
    let folder = labelled_day("strangers");
    folder.write("others.csv", "client,label\n192.0.2.1,human\n192.0.2.2,bad\n");
    let said =
        kidoban(&folder.0, &["tune", "access.log", "--labels", "others.csv"]).assert(1).stderr;
    assert!(
        said.contains("the labels file names 2 clients, and none of them is in this log"),
        "{said}"
    );
    let said =
        kidoban(&folder.0, &["tune", "access.log", "--labels", "labels.csv"]).assert(1).stderr;
    assert_eq!(said, "");
    let said =
        kidoban(&folder.0, &["label", "shopper", "human", "--labels", "mine.csv"]).assert(0).stderr;
    assert!(
        said.contains("\"shopper\" is no address: that is right only where the log has names"),
        "{said}"
    );
    assert_eq!(
        kidoban(&folder.0, &["label", "192.0.2.30", "human", "--labels", "mine.csv"])
            .assert(0)
            .stderr,
        ""
    );
    let said = kidoban(&folder.0, &["explain", "notanip", "access.log"]).assert(1).stderr;
    assert!(said.contains("\"notanip\" is no address"), "{said}");
}
