//! What the command line says of logs: formats, compression, lines and files that cannot be read.

use crate::cli::{among_logs, assert_golden};
use std::io::Write;

use crate::support::command::{Ended, command, kidoban};
use crate::support::{Folder, data};

#[test]
fn what_a_log_is_is_said_for_each_format() {
    for (name, format) in [
        ("combined", "combined"),
        ("common", "common"),
        ("vhost", "vhost combined"),
        ("nginx-msec", "JSON"),
        ("nginx-iso8601", "JSON"),
        ("elb", "AWS classic ELB"),
        ("events", "kidoban event log"),
        ("private", "combined"),
        ("unreadable", "combined"),
        ("empty", "combined"),
    ] {
        let log = format!("{name}.log");
        let ended = among_logs(&["inspect", &log]);
        // An empty one is no proof of anything.
        let is_fit =
            !ended.stdout.contains("`kidoban train` will refuse this log") && name != "empty";
        let ended = ended.assert(i32::from(!is_fit));
        assert!(ended.stdout.contains(&format!("format      {format} (")), "{}", ended.stdout);
        assert_golden(&format!("inspect-{name}"), &ended.stdout);
    }
}

#[test]
fn several_logs_are_told_apart_in_text_and_json() {
    // The nginx logs hold one torn line of three: not fit to learn from, so the answer is no.
    let ended = among_logs(&["inspect", "nginx-*.log", "elb.log"]).assert(1);
    assert_golden("inspect-several", &ended.stdout);
    let json = among_logs(&["inspect", "nginx-*.log", "elb.log", "--json"]).assert(1);
    assert_golden("inspect-json", &json.stdout);
    let json = json.json();
    let logs: Vec<&str> =
        json.as_array().unwrap().iter().map(|log| log["log"].as_str().unwrap()).collect();
    assert_eq!(logs, ["nginx-iso8601.log", "nginx-msec.log", "elb.log"]);
}

#[test]
fn compressed_logs_and_standard_input_are_read_as_they_are() {
    let folder = Folder::new("compressed");
    let plain = std::fs::read(data("logs/combined.log")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&plain).unwrap();
    folder.write("combined.log.gz", gz.finish().unwrap());
    folder.write("combined.log.zst", zstd::encode_all(&plain[..], 3).unwrap());
    folder.write("combined.log", &plain);
    let inspected = |ended: Ended| {
        let mut log = ended.assert(1).json()[0].take();
        log.as_object_mut().unwrap().remove("log");
        log
    };
    let expect = inspected(kidoban(&folder.0, &["inspect", "--json", "combined.log"]));
    for name in ["combined.log.gz", "combined.log.zst"] {
        assert_eq!(inspected(kidoban(&folder.0, &["inspect", "--json", name])), expect, "{name}");
    }
    for name in ["combined.log", "combined.log.gz"] {
        let output = command(&folder.0)
            .args(["inspect", "--json", "-"])
            .stdin(std::fs::File::open(folder.path(name)).unwrap())
            .output();
        assert_eq!(inspected(output.unwrap().into()), expect, "{name} on standard input");
    }
}

#[test]
fn a_gzip_cut_short_is_an_error_with_its_line() {
    let folder = Folder::new("cut-short");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for _ in 0..5_000 {
        gz.write_all(&std::fs::read(data("logs/common.log")).unwrap()).unwrap();
    }
    let whole = gz.finish().unwrap();
    folder.write("access.log.gz", &whole[..whole.len() - 20]);
    let said = kidoban(&folder.0, &["inspect", "access.log.gz"]).assert(1).stdout;
    assert!(said.contains("14,965 read"), "what was read is shown: {said}");
    assert!(said.contains("access.log.gz:14966: cannot be read on from here"), "{said}");
    let train = ["train", "access.log.gz", "-o", "m.json"];
    let said = kidoban(&folder.0, &train).assert(2).stderr;
    assert_eq!(said.matches("incomplete deflate stream").count(), 1, "{said}");
}

#[test]
fn nothing_is_learnt_from_a_log_of_which_too_much_cannot_be_read() {
    let folder = Folder::new("unreadable");
    let log = data("logs/unreadable.log").display().to_string();
    let said = kidoban(&folder.0, &["train", &log, "-o", "m.json"]).assert(2).stderr;
    assert!(
        said.contains("3 of 5 lines cannot be read (60.0 %, at most 5 % are passed over)"),
        "{said}"
    );
    for line in [2, 3, 4] {
        assert!(
            said.contains(&format!("unreadable.log:{line}: ")),
            "line {line} is not shown: {said}"
        );
    }
    assert!(said.contains("kidoban inspect"), "no way out: {said}");
    assert!(!folder.path("m.json").exists());
}

#[test]
fn a_log_without_a_readable_line_is_no_log_and_says_why() {
    let folder = Folder::new("torn");
    let torn = std::fs::read_to_string(data("logs/common.log")).unwrap();
    let torn = torn.lines().next().unwrap().replace("20/Feb", "31/Feb");
    folder.write("torn.log", format!("{torn}\n{torn}\n"));
    let ended = kidoban(&folder.0, &["inspect", "torn.log"]).assert(2);
    assert!(
        ended.stderr.contains("torn.log:1: ") && ended.stderr.contains("a day that exists"),
        "{}",
        ended.stderr
    );
}
