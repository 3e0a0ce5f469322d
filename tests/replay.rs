//! Law 4 at work: whatever the number of threads, a replay says the same.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use detector::{Action, ClientKey, Event, Mode, Verdict};
use flate2::Compression;
use flate2::write::GzEncoder;
use kidoban::input::Logs;
use proptest::prelude::*;
use traffic::log::Tally;
use traffic::replay::{RecordedVerdict, ReplayError, VerdictSink, replay_parallel};
use traffic::sim::{self, Dice, Mix, SimRequest};

use crate::support::command::{Ended, command};
use crate::support::event_log::{outcome_line, request_line};
use crate::support::{Folder, model, real_logs, root};

/// A verdict, what the log says of it, and how the request reads if it is to be shown.
type Fate = (Verdict, Option<RecordedVerdict>, Option<String>);

/// Every verdict of every client, in the order it got them.
#[derive(Default)]
struct Fates(BTreeMap<ClientKey, Vec<Fate>>);

impl VerdictSink for Fates {
    fn accept(
        &mut self,
        event: &Event,
        verdict: &Verdict,
        recorded: Option<&RecordedVerdict>,
        request: Option<&str>,
    ) {
        let fate = (*verdict, recorded.copied(), request.map(str::to_owned));
        self.0.entry(event.client).or_default().push(fate);
    }
}

/// What became of everybody, the lines' tallies and how many clients were evicted.
type Told = (BTreeMap<ClientKey, Vec<Fate>>, Vec<Tally>, u64);

fn told(
    jobs: usize,
    logs: &[PathBuf],
    capacity: usize,
    shown: Option<ClientKey>,
) -> anyhow::Result<Told> {
    let judge = model::judge(model::parse(&model::file("lively", model::lively())), 0.2, 0.9);
    let detector = model::detector(capacity, judge);
    let names: Vec<String> = logs.iter().map(|path| path.display().to_string()).collect();
    let logs = Logs::find(&names)?;
    let (tallies, parts) = replay_parallel::<Fates>(jobs, logs.open()?, &detector, shown)?;
    logs.finish();
    let mut fates = BTreeMap::new();
    for (client, fate) in parts.into_iter().flat_map(|part| part.0) {
        assert!(fates.insert(client, fate).is_none(), "{client} was watched by two");
    }
    Ok((fates, tallies, detector.stats(model::DAY).evictions))
}

/// Compares one, two, three and eight jobs.
fn assert_same(logs: &[PathBuf], capacity: usize, shown: Option<ClientKey>) -> Told {
    let one = told(1, logs, capacity, shown).unwrap();
    for jobs in [2, 3, 8] {
        assert!(
            told(jobs, logs, capacity, shown).unwrap() == one,
            "{jobs} jobs tell another story of {logs:?}"
        );
    }
    one
}

/// An hour of a shop: several chunks as a log.
fn hour(seed: u64, people: usize, bots: usize) -> Vec<SimRequest> {
    let site = Arc::new(sim::Site::with_size(seed, 300, 6));
    sim::simulate(&site, seed, model::DAY, &Mix::of(people, bots), 3_600_000_000)
}

fn combined(requests: &[SimRequest]) -> Vec<u8> {
    let mut text = Vec::new();
    sim::write_combined(requests, &mut text).unwrap();
    text
}

fn json(requests: &[SimRequest]) -> Vec<u8> {
    let mut text = Vec::new();
    sim::write_json(requests, &mut text).unwrap();
    text
}

/// An event log as the gate writes it, with verdicts that it never gave.
fn event_log(requests: &[SimRequest]) -> Vec<u8> {
    let mut lines: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut seqs: BTreeMap<_, u32> = BTreeMap::new();
    let judge = model::judge(model::parse(&model::file("lively", model::lively())), 0.2, 0.9);
    let detector = model::detector(100_000, judge);
    for (number, request) in requests.iter().enumerate() {
        let client = ClientKey::from_ip(request.client);
        let event = detector.event(&request.as_request());
        let observed = detector.observe(&event, Mode::Shadow);
        let verdict = observed.verdict;
        let id = number.to_string();
        let mut line = Vec::new();
        let asked = (request.method, request.target.as_str());
        request_line(&event, &verdict, "shadow", asked, &id).write_to(&mut line);
        lines.push((request.at.as_micros(), line));
        let seq = seqs.entry(client).or_default();
        *seq += 1;
        let at = request.completed_at();
        let Some(token) = observed.token else { continue };
        let (agent, target) = (token.agent(), token.target());
        let mark = detector.conclude(token, at, request.status);
        let Some(mark) = mark else { continue };
        let mut line = Vec::new();
        outcome_line(client, mark, request.status, (agent, target), &id).write_to(&mut line);
        lines.push((at.as_micros(), line));
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().flat_map(|(_, line)| line).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Lines swapped with others up to `reach` lines away, and some of them torn.
fn shaken(text: &[u8], seed: u64, reach: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    for at in 0..lines.len() {
        let with = (at + dice.below(reach)).min(lines.len() - 1);
        if dice.chance(0.2) {
            lines.swap(at, with);
        }
        if dice.chance(0.01) {
            lines[at] = b"torn\n";
        }
    }
    lines.concat()
}

#[test]
fn every_format_and_packing_is_replayed_alike_by_any_number_of_threads() {
    let folder = Folder::new("replay-formats");
    let requests = hour(1, 400, 60);
    let (combined, json) = (combined(&requests), json(&requests));
    let write = |name: &str, text: &[u8]| folder.write(name, text);
    let plain = write("plain.log", &combined);
    assert!(
        combined.len() > 8 * traffic::log::CHUNK_BYTES,
        "{} bytes are too few chunks",
        combined.len()
    );
    let (fates, tallies, evictions) = assert_same(std::slice::from_ref(&plain), 100_000, None);
    assert_eq!((tallies[0].parsed, evictions), (requests.len() as u64, 0));
    for action in Action::ALL {
        let number = fates.values().flatten().filter(|fate| fate.0.action == action).count();
        assert!(number >= 100, "only {number} of {action:?}: this log proves too little");
    }
    let busiest = *fates.iter().max_by_key(|(_, fate)| fate.len()).unwrap().0;
    assert_same(&[plain], 100_000, Some(busiest));
    assert_same(&[write("json.log", &json)], 100_000, None);
    assert_same(&[write("a.log.gz", &gzip(&json))], 100_000, None);
    assert_same(&[write("a.log.zst", &zstd::encode_all(&combined[..], 1).unwrap())], 100_000, None);
    assert_same(&[write("empty.log", b"")], 100_000, None);
    let told = assert_same(&[write("events.log", &event_log(&requests))], 100_000, None);
    let repeated = told
        .0
        .values()
        .flatten()
        .filter(|(verdict, before, _)| before.unwrap().is_repeated_by(verdict));
    assert!(
        repeated.count() * 100 > requests.len() * 90,
        "the event log is not one of this detector"
    );
}

#[test]
fn lines_out_of_order_and_several_logs_are_replayed_alike() {
    let folder = Folder::new("replay-order");
    let requests = hour(2, 400, 60);
    let text = combined(&requests);
    let near = folder.write("near.log", shaken(&text, 1, 50));
    // Beyond the horizon of five minutes: what comes too late is let through at once.
    let far = folder.write("far.log", shaken(&text, 2, 20_000));
    let (_, tallies, _) = assert_same(std::slice::from_ref(&far), 100_000, None);
    assert!(tallies[0].out_of_order > 1_000 && tallies[0].refused > 10, "{:?}", tallies[0]);
    assert!(tallies[0].step_back_us_max > 600_000_000);
    let other = folder.write("other.log.gz", gzip(&json(&hour(3, 200, 30))));
    assert_same(&[near, other, far], 100_000, None);
}

#[test]
fn where_the_table_is_full_the_same_clients_go() {
    let folder = Folder::new("replay-full");
    let requests = hour(4, 600, 0);
    let log = folder.write("a.log", combined(&requests));
    let (fates, _, evictions) = assert_same(&[log], 128, None);
    assert!(fates.len() > 400 && evictions > 200, "{} clients, {evictions} evictions", fates.len());
}

#[test]
fn where_bans_are_full_several_threads_say_that_they_cannot() {
    let folder = Folder::new("replay-crowded");
    let log = folder.write("a.log", combined(&hour(5, 10, 60)));
    let logs = [log];
    let error = told(2, &logs, 2, None).unwrap_err();
    let Some(ReplayError::TooManyBans(bans)) = error.downcast_ref::<ReplayError>() else {
        panic!("{error:#}");
    };
    assert!(bans.banned > bans.room && bans.room == 2, "{bans}");
    told(1, &logs, 2, None).unwrap();
}

#[test]
fn errors_name_the_same_file_and_line() {
    let folder = Folder::new("replay-errors");
    let mut bytes = gzip(&combined(&hour(6, 300, 40)));
    bytes.truncate(bytes.len() / 2);
    let logs = [folder.write("broken.log.gz", bytes)];
    let error = |jobs| told(jobs, &logs, 100_000, None).unwrap_err().to_string();
    let one = error(1);
    assert!(one.contains("broken.log.gz:"), "{one}");
    assert_eq!([error(2), error(3)], [one.clone(), one]);
}

fn print(logs: &[PathBuf], arguments: &[&str], jobs: &str) -> (Option<i32>, String) {
    let mut command = command(root());
    let output = command.arg("replay").args(logs).args(arguments).args(["--jobs", jobs]).output();
    let ended = Ended::from(output.unwrap()).assert_quiet();
    (ended.code, ended.stdout)
}

#[test]
fn the_command_prints_the_same_bytes() {
    let folder = Folder::new("replay-prints");
    let requests = hour(7, 1_500, 40);
    let config =
        folder.write("small.toml", "upstream = \"http://127.0.0.1:1\"\n[table]\ncapacity = 1000\n");
    let config = config.display().to_string();
    let logs = [
        folder.write("a.log", combined(&requests)),
        folder.write("b.log.gz", gzip(&json(&hour(8, 90, 20)))),
    ];
    let client = requests[0].client.to_string();
    let forms: [&[&str]; 4] =
        [&[], &["--json", "--top", "1000"], &["--client", &client], &["-c", &config, "--json"]];
    for form in forms {
        let one = print(&logs, form, "1");
        assert!(one.1.len() > 100, "{form:?}: {}", one.1);
        for jobs in ["2", "3"] {
            assert_eq!(print(&logs, form, jobs), one, "{form:?} with {jobs} jobs");
        }
    }
}

#[test]
fn what_happened_since_a_time_is_told_and_what_came_before_still_counts() {
    let folder = Folder::new("replay-since");
    let requests = hour(9, 60, 40);
    let log = [folder.write("a.log", combined(&requests))];
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&print(&log, arguments, "2").1).unwrap()
    };
    let whole = json(&["--json", "--top", "100000"]);
    let late = json(&["--json", "--top", "100000", "--since", "20m"]);
    let end = requests.iter().map(|request| request.completed_at().as_secs()).max().unwrap();
    let since = late["since"].as_str().unwrap();
    assert_eq!(
        traffic::log::time(&format!("{}Z", since.replace(' ', "T"))).unwrap().as_secs(),
        end - 1_200
    );
    assert_eq!(
        json(&["--json", "--top", "100000", "--since", &format!("{}Z", since.replace(' ', "T"))]),
        late
    );
    assert!(
        late["requests"].as_u64() < whole["requests"].as_u64()
            && late["requests"].as_u64() > Some(100),
        "{late}"
    );
    let client = late["stopped"][0]["client"].as_str().unwrap();
    let told =
        |more: &[&str]| print(&log, &[&["--json-lines", "--client", client], more].concat(), "2").1;
    let all = told(&[]);
    let at = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["at_us"].as_i64().unwrap()
    };
    let expect: String =
        all.split_inclusive('\n').filter(|line| at(line) >= (end - 1_200) * 1_000_000).collect();
    assert_eq!(told(&["--since", "20m"]), expect, "the same verdicts as of the whole log");
    assert_eq!(json(&["--json", "--since", "2000-01-01"])["requests"], whole["requests"]);
    assert_eq!(json(&["--json", "--since", "2100-01-01"])["requests"], 0);

    let (_, lines) = print(&log, &["--json-lines"], "2");
    assert_eq!(
        lines.lines().count(),
        whole["stopped"].as_array().unwrap().len(),
        "all, unless --top says otherwise"
    );
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first, whole["stopped"][0]);
    let client = first["client"].as_str().unwrap();
    let (_, lines) = print(&log, &["--json-lines", "--client", client], "2");
    assert_eq!(
        lines.lines().count() as u64,
        first["requests"].as_u64().unwrap(),
        "one line a request"
    );
    let refused =
        lines.lines().filter(|line| !line.contains("\"action\":\"allow\"")).count() as u64;
    assert_eq!(refused, first["limited"].as_u64().unwrap() + first["blocked"].as_u64().unwrap());
    // The requests are numbered without gaps, and by the number that the table calls the first
    // refused one. Ends of requests are events too, so those numbers are others.
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<u64> = rows.iter().map(|row| row["seq"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=rows.len() as u64), "{numbers:?}");
    let refused = rows.iter().find(|row| row["action"] != "allow").unwrap();
    assert_eq!(refused["seq"], first["first_stopped_request"]);
    assert!(rows.is_sorted_by_key(|row| row["event_seq"].as_u64()));
    assert!(rows[1]["event_seq"].as_u64() > Some(2), "{}", rows[1]);
}

#[test]
fn a_real_log_is_replayed_alike() {
    let Some((log, _)) = real_logs("airisdata") else { return };
    let (fates, tallies, _) = assert_same(&[log], 100_000, None);
    assert!(fates.len() > 1_000 && tallies[0].parsed > 200_000, "{:?}", tallies[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_small_log_in_any_order_is_replayed_alike(
        seed in 0_u64..1_000,
        reach in 1_usize..4_000,
        capacity in prop::sample::select(vec![64_usize, 100_000]),
        jobs in 2_usize..6,
    ) {
        let folder = Folder::new(&format!("replay-any-{seed}-{reach}"));
        let text = combined(&hour(seed, 100, 8));
        let (left, right) = text.split_at(text.len() / 3);
        let cut = left.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let logs = [
            folder.write("a.log", shaken(&text[..cut], seed, reach)),
            folder.write("b.log", shaken(&[&left[cut..], right].concat(), seed, reach)),
        ];
        let one = told(1, &logs, capacity, None).unwrap();
        prop_assert!(told(jobs, &logs, capacity, None).unwrap() == one);
    }
}
