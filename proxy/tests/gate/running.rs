//! Starting, stopping, reloading, and what the operator sees.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use detector::model::Requirement;
use detector::{ClientKey, Detector, Settings};
use gate::metrics::METRICS;
use proxy::ProxyError;
use traffic::log::{LogReader, RecordKind};
use traffic::replay::{Driver, Judged, LogStep};

use super::*;

#[test]
fn the_admin_listener_shows_health_and_every_metric() {
    let (origin, folder) = (Origin::start(), Folder::new("admin"));
    let gate = strict(
        &origin,
        &folder,
        "enforce",
        &format!("{BLOCK}[outcomes]\nbuyer = \"POST /order 2xx\"\n"),
    );
    assert_eq!(Client::connect(gate.addr()).get("/").status, 403);
    let mut client = Client::connect(gate.admin_addr());
    let health = client.get("/healthz");
    assert_eq!(health.body, "{\"mode\":\"enforce\",\"model\":\"strict\",\"status\":\"ok\"}\n");
    let text = client.get("/metrics").body;
    for (name, _) in METRICS {
        assert!(text.contains(&format!("\n{name}")), "{name} is missing in:\n{text}");
    }
    assert!(
        text.contains(
            "kidoban_requests_total{action=\"block\",reason=\"score\",mode=\"enforce\"} 1\n"
        ),
        "{text}"
    );
    assert!(text.contains("kidoban_score_bucket{le=\"1\"} 1\n"), "{text}");
    assert!(text.contains("kidoban_decision_seconds_count 1\n"), "{text}");
    assert!(text.contains("kidoban_clients 1\n") && text.contains("kidoban_bans 1\n"), "{text}");
    assert!(text.contains("kidoban_model_info{name=\"strict\",sha256=\""), "{text}");
    assert_eq!(client.get("/nothing").status, 404);
    assert_eq!(
        client.ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status,
        405
    );
}

/// What a budget is about, live: who buys, and how he stood.
#[test]
fn outcomes_are_counted_by_how_their_client_stood() {
    let (origin, folder) = (Origin::start(), Folder::new("outcomes"));
    let buyers = "[outcomes]\nbuyer = \"POST /order *\"\nnobody = \"GET /order 299\"\n";
    let counted = |mode: &str, policy: &str| {
        let gate = strict(&origin, &folder, mode, &format!("{policy}{buyers}"));
        let mut client = Client::connect(gate.addr());
        for _ in 0..3 {
            client.ask("POST /order HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        }
        client.get("/order");
        // The gate concludes a request after its client has read the answer.
        let expect = u64::from(mode == "enforce");
        let refused =
            format!("kidoban_outcomes_total{{outcome=\"nobody\",standing=\"refused\"}} {expect}\n");
        let mut text = metrics(&gate);
        for _ in 0..100 {
            if text.contains(&refused) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
            text = metrics(&gate);
        }
        let count = |outcome: &str, stood: &str| -> u64 {
            let line =
                format!("kidoban_outcomes_total{{outcome=\"{outcome}\",standing=\"{stood}\"}} ");
            let found = text.lines().find_map(|text| text.strip_prefix(line.as_str()));
            found.unwrap_or_else(|| panic!("{line} is missing in:\n{text}")).parse().unwrap()
        };
        assert_eq!(
            ["free", "limited", "blocked", "refused"]
                .map(|stood| count("nobody", stood))
                .iter()
                .sum::<u64>(),
            expect
        );
        ["free", "limited", "blocked", "refused"].map(|stood| count("buyer", stood))
    };
    assert_eq!(counted("enforce", LIMIT), [0, 1, 0, 2], "one page, and then it is limited");
    assert_eq!(counted("shadow", LIMIT), [0, 3, 0, 0]);
    assert_eq!(counted("shadow", BLOCK), [0, 0, 3, 0]);
    assert_eq!(counted("shadow", "[policy]\nmin_pages = 9\n"), [3, 0, 0, 0]);
}

#[test]
fn a_stop_loses_no_line_and_a_replay_repeats_every_verdict() {
    let (origin, folder) = (Origin::start(), Folder::new("log"));
    let path = folder.0.join("events.jsonl");
    let model = model(&folder.0, "strict", 5.0);
    let rest = format!(
        "mode = \"enforce\"\nmodel = {model:?}\n{LIMIT}[event_log]\npath = \
            {path:?}\n[client]\ntrusted_proxies = [\"127.0.0.1\"]"
    );
    let gate = gate(&origin, &rest);
    let judge = gate.engine().judge();
    let mut client = Client::connect(gate.addr());
    let mut statuses = Vec::new();
    for number in 0..60 {
        let (page, ip) = (number % 4, number % 3);
        let answer = client.ask(&format!(
            "GET /p/{page}?q=é HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-For: \
                192.0.2.{ip}\r\nUser-Agent: a\tb\r\n\r\n"
        ));
        statuses.push(answer.status);
    }
    assert_eq!(client.get("/robots.txt").status, 200);
    gate.stop();

    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut reader = LogReader::new("events.jsonl", std::io::Cursor::new(text.as_bytes())).unwrap();
    let detector = Detector::new(Settings { capacity: 1000, hash_key: 1 }, judge);
    let (mut requests, mut outcomes) = (0, 0);
    let mut driver = Driver::default();
    while let Some(record) = reader.next().unwrap() {
        let mut judged = Judged::new(&detector, |_, verdict| {
            let recorded = record.decision.unwrap();
            assert_eq!(verdict.action.as_str(), recorded.action, "{recorded:?}");
            assert_eq!(verdict.reason.as_str(), recorded.reason, "{recorded:?}");
            assert_eq!(verdict.score.map(detector::Score::value), recorded.score, "{recorded:?}");
            assert_eq!((verdict.at, verdict.seq), (record.at, recorded.seq));
            requests += 1;
        });
        driver.step(&LogStep::of(&record, &detector), &mut judged);
        outcomes += usize::from(record.kind == RecordKind::Outcome);
    }
    assert_eq!(requests, 61);
    let passed = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(
        outcomes, passed,
        "what was judged and forwarded has an outcome, what was refused has none"
    );
    assert!(statuses.contains(&429));
}

#[test]
fn a_stop_waits_for_the_request_in_flight_and_closes_idle_connections() {
    let origin = Origin::start();
    let gate = gate(&origin, "");
    let addr = gate.addr();
    let mut idle = Client::connect(addr);
    assert_eq!(idle.get("/").status, 200);
    let mut busy = Client::connect(addr);
    busy.send("GET /slow-known HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    origin.steps.recv().unwrap();
    let stopping = std::thread::spawn(move || gate.stop());
    assert!(idle.closed());
    assert!(!stopping.is_finished());
    origin.go.send(()).unwrap();
    assert_eq!(busy.answer().body, "firstfinal");
    stopping.join().unwrap();
    assert!(std::net::TcpStream::connect(addr).is_err());
}

#[test]
fn a_stop_cuts_off_what_outlasts_the_grace() {
    let origin = Origin::start();
    let gate = gate(&origin, "[proxy.timeouts]\nstop_grace_s = 1");
    let mut busy = Client::connect(gate.addr());
    busy.send("GET /slow HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    origin.steps.recv().unwrap();
    assert_eq!(busy.head().0, 200);
    assert_eq!(busy.read(10), "5\r\nfirst\r\n");
    gate.stop();
    assert!(busy.closed());
}

#[test]
fn a_good_reload_takes_effect_and_a_bad_one_does_not() {
    let (origin, folder) = (Origin::start(), Folder::new("reload"));
    let strict = model(&folder.0, "strict", 5.0);
    let mild = model(&folder.0, "mild", -5.0);
    let path = folder.0.join("kidoban.toml");
    let write = |mode: &str, model: &Path, rest: &str| {
        let proxy = format!("listen = \"127.0.0.1:0\"\nupstream = \"{}\"", origin.url());
        let text = format!(
            "admin = \"127.0.0.1:0\"\nmode = \"{mode}\"\nmodel = \
                {model:?}\n{rest}[proxy]\n{proxy}\n"
        );
        std::fs::write(&path, text).unwrap();
    };
    write("enforce", &mild, BLOCK);
    let gate =
        RunningGate::start(Config::load(Some(&path), &Overrides::default()).unwrap()).unwrap();
    let mut client = Client::connect(gate.addr());
    assert_eq!(client.get("/p/1").status, 200);

    write("enforce", &strict, BLOCK);
    let reloaded = gate.reload().unwrap();
    assert_eq!(reloaded.model.as_deref(), Some("strict"));
    assert_eq!(reloaded.needs_restart, Vec::<&str>::new());
    assert_eq!(client.get("/p/2").status, 403);

    let damaged = folder.0.join("damaged.json");
    std::fs::write(&damaged, &std::fs::read(&mild).unwrap()[1..]).unwrap();
    write("shadow", &damaged, BLOCK);
    assert!(gate.reload().unwrap_err().to_string().contains("damaged.json: this model is refused"));
    write("shadow", &mild, "[policy]\nmin_page = 1\n");
    assert!(gate.reload().unwrap_err().to_string().contains("Did you mean `min_pages`?"));
    assert_eq!(
        client.get("/p/3").status,
        403,
        "the last good one keeps serving, its mode included"
    );

    write("shadow", &strict, "[proxy.limits]\nbody_bytes_max = 7\n[table]\ncapacity = 2000\n");
    assert_eq!(gate.reload().unwrap().needs_restart, ["limits", "table"]);
    assert_eq!(client.get("/p/4").status, 200, "now in shadow");
    let text = metrics(&gate);
    assert!(text.contains("kidoban_reloads_total{result=\"ok\"} 2\n"), "{text}");
    assert!(text.contains("kidoban_reloads_total{result=\"refused\"} 2\n"), "{text}");
    let models = text.lines().filter(|line| line.starts_with("kidoban_model_info{"));
    let models: Vec<&str> = models.collect();
    assert!(models.len() == 1 && models[0].contains("name=\"strict\""), "{models:?}");
}

#[test]
fn a_reload_keeps_what_is_known_of_clients() {
    let (origin, folder) = (Origin::start(), Folder::new("known"));
    let gate = strict(&origin, &folder, "enforce", BLOCK);
    assert_eq!(Client::connect(gate.addr()).get("/p/1").status, 403);
    gate.reload().unwrap();
    let tracked = |gate: &RunningGate| {
        gate.engine().tracker().standing(ClientKey::from_text("127.0.0.1")).is_some()
    };
    assert!(tracked(&gate));
    assert_eq!(Client::connect(gate.addr()).get("/p/1").status, 403);
}

#[test]
fn what_cannot_start_says_why_before_anything_runs() {
    let origin = Origin::start();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let fails = |config: Config| match RunningGate::start(config) {
        Err(error) => error,
        Ok(_) => panic!("it started"),
    };
    let overrides = |listen: String| Overrides {
        listen: Some(listen),
        upstream: Some(origin.url()),
        gate: gate::Overrides { admin: Some("127.0.0.1:0".to_owned()), ..Default::default() },
    };
    let listen = |address: String| fails(Config::from_flags(&overrides(address)).unwrap());
    let error = listen(taken.local_addr().unwrap().to_string());
    assert!(error.to_string().contains("the address is in use"), "{error}");
    let error = listen("192.0.2.1:8080".to_owned());
    assert!(
        error.to_string().contains("cannot listen on 192.0.2.1:8080: this machine does not have"),
        "{error}"
    );
    let error = fails(config("http://shop.invalid", ""));
    assert!(matches!(error, ProxyError::Upstream { .. }), "{error}");
    let error =
        fails(config(&origin.url(), "[event_log]\npath = \"/nonexistent/folder/events.jsonl\""));
    assert!(
        error.to_string().contains("cannot write the event log /nonexistent/folder/events.jsonl"),
        "{error}"
    );
    let error = fails(config(&origin.url(), "model = \"/nonexistent/model.json\""));
    assert!(
        error.to_string().contains("/nonexistent/model.json: cannot read the model"),
        "{error}"
    );
}

#[test]
fn several_gates_run_side_by_side_and_stop_when_dropped() {
    let origin = Origin::start();
    let (one, two) = (gate(&origin, ""), gate(&origin, ""));
    assert_eq!(Client::connect(one.addr()).get("/").status, 200);
    let addr = one.addr();
    drop(one);
    assert!(std::net::TcpStream::connect(addr).is_err());
    assert!(metrics(&two).contains("mode=\"shadow\"} 0\n"));
    assert_eq!(Client::connect(two.addr()).get("/").status, 200);
}

#[test]
fn a_score_is_counted_once_however_many_images_follow_its_page() {
    let (origin, folder) = (Origin::start(), Folder::new("scores"));
    let lenient = "[policy]\nmin_pages = 1\nlimit_score = 0.999\nblock_score = 0.9999\n";
    let gate = strict(&origin, &folder, "enforce", lenient);
    let mut client = Client::connect(gate.addr());
    for target in ["/p/1", "/a.png", "/b.png", "/c.css"] {
        assert_eq!(client.get(target).status, 200);
    }
    assert!(metrics(&gate).contains("kidoban_score_count 1\n"));
}

#[test]
fn a_model_that_failed_its_gates_watches_and_does_not_refuse_unless_forced() {
    let folder = Folder::new("unarmed");
    let origin = Origin::start();
    let gate = Requirement {
        name: "the area".into(),
        value: 0.6,
        required: 0.7,
        remedy: "label more clients".into(),
    };
    let unarmed = Readiness::new(10, 5_990, false, vec![gate]);
    let path = model_that_is(unarmed, &folder.0, "unarmed", 5.0);
    let start = |mode: &str, force: bool| {
        let text = format!(
            "admin = \"127.0.0.1:0\"\nmode = \"{mode}\"\nmodel = {path:?}\n{BLOCK}[proxy]\nlisten \
                = \
             \"127.0.0.1:0\"\nupstream = \"{}\"\n",
            origin.url()
        );
        let gate = gate::Overrides { force, ..Default::default() };
        let overrides = Overrides { gate, ..Overrides::default() };
        RunningGate::start(Config::parse(&text, Path::new("test.toml"), &overrides).unwrap())
    };
    let error = start("enforce", false).map(|_| ()).unwrap_err().to_string();
    for part in [
        "unarmed.json: this model is not armed. Failed: the area is 0.600, at least 0.700 is \
            needed: label more",
        "--force",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let shadow = start("shadow", false).unwrap();
    assert_eq!(Client::connect(shadow.addr()).get("/p/1").status, 200);
    let forced = start("enforce", true).unwrap();
    assert_eq!(Client::connect(forced.addr()).get("/p/1").status, 403);
}
