//! The gate from outside, in front of the toy shop: what `proxy/tests` does not ask because it
//! knows no shop and no binary.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use kidoban::demo::shop::ToyShop;
use traffic::sim::{Population, Site, Tempo, Visit, VisitStep};

use crate::support::command::command;
use crate::support::http::Client;
use crate::support::{Folder, gate, metric, model, origin, write_config};

/// Who is blocked from the first page on: everybody.
const BLOCK: &str =
    "[policy]\nmin_pages = 1\nlimit_score = 0.5\nblock_score = 0.9\nblock_after_pages = 1\n";
/// Our own address may speak for others.
const TRUST: &str = "[client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";

/// A toy shop on a runtime of its own.
fn shop(site: &Arc<Site>) -> (tokio::runtime::Runtime, ToyShop) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let shop = runtime
        .block_on(ToyShop::start(Arc::clone(site), (Ipv4Addr::LOCALHOST, 0).into()))
        .unwrap();
    (runtime, shop)
}

/// A visitor's request as text.
fn wire(step: &VisitStep, client: &str) -> String {
    let form = step.form.as_deref().unwrap_or("");
    let length =
        if form.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", form.len()) };
    let (method, target) = (step.method, &step.target);
    format!(
        "{method} {target} HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-For: \
            {client}\r\n{length}\r\n{form}"
    )
}

#[test]
fn shadow_changes_no_answer_of_the_shop_for_any_bot() {
    let site = Arc::new(Site::new(1));
    let (_runtime, shop) = shop(&site);
    let folder = Folder::new("shadow");
    let strict = model::write(&folder, &model::file("strict", model::constant(5.0)));
    let gate = gate(
        &folder,
        shop.address(),
        &format!("mode = \"shadow\"\nmodel = {strict:?}\n{TRUST}{BLOCK}"),
    );
    let (mut through, mut direct) = (Client::connect(gate.addr()), Client::connect(shop.address()));
    let bots = [
        Population::Scraper,
        Population::Poller,
        Population::BruteForcer,
        Population::Scanner,
        Population::Shopper,
    ];
    let mut statuses = BTreeMap::new();
    for (number, population) in bots.into_iter().enumerate() {
        for step in Visit::new(population, &site, 5, Tempo::Live).take(400) {
            let request = wire(&step, &format!("198.51.100.{number}"));
            let (gates, shops) = (through.ask(&request), direct.ask(&request));
            assert_eq!((gates.status, &gates.body), (shops.status, &shops.body), "{request}");
            for name in [
                "content-type",
                "content-length",
                "location",
                "set-cookie",
                "cache-control",
                "retry-after",
            ] {
                assert_eq!(gates.header(name), shops.header(name), "{name} of {request}");
            }
            assert_eq!(gates.header("x-kidoban-decision"), None);
            *statuses.entry(gates.status).or_insert(0) += 1;
        }
    }
    assert_eq!(statuses.values().sum::<u32>(), 2_000);
    assert!(
        [200, 303, 401, 404].iter().all(|status| statuses.contains_key(status)),
        "{statuses:?}"
    );
    let text = gate.engine().metrics_text();
    let blocked = |reason| {
        let labels = format!("{{action=\"block\",reason=\"{reason}\",mode=\"shadow\"}}");
        metric(&text, &format!("kidoban_requests_total{labels}"))
    };
    assert_eq!(blocked("score"), 5, "each was found out at its first page: {text}");
    assert!(blocked("banned") > 1_900, "and would have been refused ever after: {text}");
}

#[test]
fn enforcing_the_same_refuses_the_same() {
    let site = Arc::new(Site::new(1));
    let (_runtime, shop) = shop(&site);
    let folder = Folder::new("enforce");
    let strict = model::write(&folder, &model::file("strict", model::constant(5.0)));
    let gate = gate(
        &folder,
        shop.address(),
        &format!("mode = \"enforce\"\nmodel = {strict:?}\n{TRUST}{BLOCK}"),
    );
    let mut client = Client::connect(gate.addr());
    for step in Visit::new(Population::Scraper, &site, 5, Tempo::Live).take(100) {
        assert_eq!(client.ask(&wire(&step, "198.51.100.1")).status, 403);
    }
    assert_eq!(shop.served(), 0, "what is refused never reaches the shop");
}

#[test]
fn whom_the_operator_allows_after_a_ban_passes_at_once_and_is_banned_again_when_taken_off() {
    let folder = Folder::new("allow");
    let strict = model::write(&folder, &model::file("strict", model::constant(5.0)));
    let upstream = origin::start();
    let rest = |allow: &str| {
        format!("mode = \"enforce\"\nmodel = {strict:?}\n{TRUST}{BLOCK}[allow]\n{allow}\n")
    };
    let gate = gate(&folder, upstream, &rest(""));
    let mut connection = Client::connect(gate.addr());
    let (crawler, other) = ("198.51.100.7", "198.51.101.7");
    for client in [crawler, other] {
        assert_eq!(connection.get_as(client, "/p/1").status, 403);
    }
    write_config(&folder, upstream, &rest("networks = [\"198.51.100.0/24\"]"));
    gate.reload().unwrap();
    for page in 0..50 {
        assert_eq!(connection.get_as(crawler, &format!("/p/{page}")).status, 200);
    }
    assert_eq!(connection.get_as(other, "/p/1").status, 403, "the other's ban outlives the reload");
    write_config(&folder, upstream, &rest("paths = [\"/status\"]"));
    gate.reload().unwrap();
    assert_eq!(connection.get_as(crawler, "/p/1").status, 403);
    assert_eq!(connection.get_as(crawler, "/status").status, 200);
    let text = gate.engine().metrics_text();
    assert_eq!(metric(&text, "kidoban_bans"), 2, "{text}");
}

#[test]
fn neighbours_behind_one_load_balancer_are_judged_apart() {
    let folder = Folder::new("apart");
    let scored = model::file("lively", model::weighted(-3.0, &[("error_share", 8.0)]));
    let scored = model::write(&folder, &scored);
    let rest = format!(
        "mode = \"enforce\"\nmodel = {scored:?}\n{TRUST}[policy]\nlimit_score = 0.5\nblock_score = \
            0.9\nblock_after_pages = 1\n"
    );
    let gate = gate(&folder, origin::start(), &rest);
    let mut connection = Client::connect(gate.addr());
    let mut refused = 0;
    for number in 0..40 {
        refused +=
            u32::from(connection.get_as("2001:db8:1::1", &format!("/gone/{number}")).status == 403);
        assert_eq!(connection.get_as("2001:db8:2::1", &format!("/p/{number}")).status, 200);
        assert_eq!(
            connection.get_as("203.0.113.9, 198.51.100.1", &format!("/p/{number}")).status,
            200
        );
    }
    assert!(refused >= 30, "{refused}");
    assert_eq!(
        connection.get_as("2001:db8:1:0:ffff::2", "/p/1").status,
        403,
        "one /64 is one client"
    );
    assert_eq!(connection.get_as("2001:db8:1:1::1", "/p/1").status, 200, "the next /64 is another");
}

#[test]
fn the_decision_a_client_quotes_is_found_in_the_event_log() {
    let folder = Folder::new("quoted");
    let strict = model::write(&folder, &model::file("strict", model::constant(5.0)));
    let log = folder.path("events.jsonl");
    let rest = format!(
        "mode = \"enforce\"\nmodel = {strict:?}\n{TRUST}{BLOCK}[event_log]\npath = {log:?}\n"
    );
    let gate = gate(&folder, origin::start(), &rest);
    let answer = Client::connect(gate.addr()).get_as("198.51.100.7", "/p/1?secret=no");
    let id = answer.header("x-kidoban-decision").unwrap().to_owned();
    assert!(answer.text().contains(&id));
    gate.engine().flush_event_log();
    let text = std::fs::read_to_string(&log).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains(&format!("\"id\":\"{id}\"")))
        .expect("no line with that id");
    for part in [
        "\"client\":\"198.51.100.7\"",
        "\"action\":\"block\"",
        "\"reason\":\"score\"",
        "\"mode\":\"enforce\"",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

/// `kidoban run` as an operator starts it.
pub struct Running {
    child: Child,
    pub addr: SocketAddr,
    pub said: BufReader<std::process::ChildStderr>,
}

impl Running {
    pub fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::start_in(folder, arguments, &[])
    }

    /// In an environment that has these variables as well.
    pub fn start_in(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(&folder.0);
        command.arg("run").args(arguments).envs(variables.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let line = until(&mut said, "the gate is open");
        let addr =
            line.split("listen=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        Self { child, addr, said }
    }

    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next line that contains this.
pub fn until(said: &mut impl BufRead, wanted: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended without {wanted:?}: {all}");
        assert!(!line.contains('\x1b'), "coloured away from a terminal: {line:?}");
        if line.contains(wanted) {
            return line;
        }
        all.push_str(&line);
    }
}

#[test]
fn the_command_starts_in_shadow_reloads_on_sighup_and_ends_well_on_sigterm() {
    let folder = Folder::new("command");
    let upstream = origin::start();
    let strict = model::write(&folder, &model::file("strict", model::constant(5.0)));
    let rest = |mode: &str| {
        format!("{mode}\nmodel = {strict:?}\n{BLOCK}[event_log]\npath = \"events.jsonl\"\n")
    };
    write_config(&folder, upstream, &rest(""));
    let mut running = Running::start(&folder, &["-c", "kidoban.toml"]);
    let mut client = Client::connect(running.addr);
    assert_eq!(client.get("/p/1").status, 200, "shadow is the default");

    write_config(&folder, upstream, &rest("mode = \"enforce\""));
    running.signal("HUP");
    let line = until(&mut running.said, "reloaded");
    assert!(line.contains("mode=enforce") && line.contains("strict"), "{line}");
    assert_eq!(client.get("/p/2").status, 403);

    write_config(&folder, upstream, "mode = \"sometimes\"\n");
    running.signal("HUP");
    let line = until(&mut running.said, "refused");
    assert!(line.contains("kidoban.toml:2:"), "{line}");
    assert_eq!(client.get("/p/3").status, 403);

    running.signal("TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    until(&mut running.said, "stopped");
    let log = std::fs::read_to_string(folder.path("events.jsonl")).unwrap();
    assert_eq!(log.matches("\"type\":\"request\"").count(), 3, "nothing is lost at the end: {log}");
}

#[test]
fn the_command_needs_nothing_but_an_upstream() {
    let folder = Folder::new("flags");
    let upstream = format!("http://{}", origin::start());
    let flags = ["--upstream", &upstream, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let running = Running::start(&folder, &flags);
    let mut client = Client::connect(running.addr);
    for page in 0..20 {
        assert_eq!(client.get(&format!("/p/{page}")).text(), "ok");
    }
    running.signal("INT");
}
