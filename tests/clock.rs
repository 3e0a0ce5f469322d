//! The machine's clock is set while shoppers are there, with the real binary and its real clocks.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::gate::Running;
use crate::support::http::Client;
use crate::support::{Folder, model, origin, skip, write_config};

/// The library that lies about the time, where Debian or Ubuntu puts it.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let mut found = folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .filter(|path| path.is_file());
    let found = found.next();
    if found.is_none() {
        skip("libfaketime is not installed (scripts/setup --tests installs it)");
    }
    found
}

/// Time in the event log of each request, in µs.
fn times(log: &str) -> Vec<i64> {
    let lines = log.lines().filter(|line| line.contains("\"type\":\"request\""));
    let at = |line: &str| -> i64 {
        let rest = line.split("\"at\":").nth(1).unwrap();
        rest[..rest.find(',').unwrap()].parse().unwrap()
    };
    lines.map(at).collect()
}

#[test]
fn three_hours_forth_and_six_back_hurt_nobody() {
    let Some(library) = faketime() else { return };
    let folder = Folder::new("faketime");
    let offset = folder.write("offset", "+0\n");
    let mild = model::write(&folder, &model::file("mild", model::constant(-5.0)));
    write_config(
        &folder,
        origin::start(),
        &format!(
            "mode = \"enforce\"\nmodel = {mild:?}\n[policy]\nlimit_score = 0.9\nblock_score = \
                0.99\n\
             [event_log]\npath = \"events.jsonl\"\n"
        ),
    );
    let library = library.display().to_string();
    let variables = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        // Nobody sets the monotonic clock, so it is not lied about.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    let mut running = Running::start_in(&folder, &["-c", "kidoban.toml"], &variables);
    let mut client = Client::connect(running.addr);
    let began = Instant::now();
    let mut visits = 0;
    for set_to in ["+0\n", "+3h\n", "-3h\n"] {
        folder.write("offset", set_to);
        // The gate looks at the wall clock once a second: two looks at each.
        let until = Instant::now() + Duration::from_millis(2_300);
        while Instant::now() < until {
            assert_eq!(client.get(&format!("/p/{}", visits % 7)).status, 200, "after {set_to}");
            visits += 1;
        }
    }
    let took = began.elapsed();
    running.signal("TERM");
    crate::gate::until(&mut running.said, "stopped");
    let log = std::fs::read_to_string(folder.path("events.jsonl")).unwrap();
    let at = times(&log);
    assert_eq!(at.len(), visits);
    assert!(at.windows(2).all(|pair| pair[0] <= pair[1]), "its time never goes back");
    let spanned = Duration::from_micros((at[at.len() - 1] - at[0]) as u64);
    let stretched = spanned.as_secs_f64() / took.as_secs_f64();
    assert!((0.9..=1.06).contains(&stretched), "{took:?} of real time are {spanned:?} of its own");
}
