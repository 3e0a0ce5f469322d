//! Exported bans, and the real programs that enforce them.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use decide::config::Address;
use decide::export::ledger::{Banned, Bounds, Ledger};
use decide::export::nft::Firewall;
use ipnet::IpNet;

use crate::http::{Answer, Client};
use crate::service::{STRICT, Service, until};
use crate::skip::skip;

const KEY: &str = "a-key-of-this-test";

/// A service that exports to pages and a file.
fn exporting(rest: &str, export: &str) -> Service {
    let export = format!(
        "[decide.export]\nlisten = \"127.0.0.1:0\"\napi_key = {KEY:?}\nnginx_geo = \
         \"banned.conf\"\n{export}\n"
    );
    Service::start(&format!("{rest}{STRICT}"), &export)
}

fn exports(service: &Service) -> SocketAddr {
    match service.running.as_ref().unwrap().exports() {
        Some(Address::Ip(address)) => *address,
        other => panic!("{other:?}"),
    }
}

fn get(service: &Service, path: &str, headers: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    Client::connect(exports(service)).ask(&request)
}

fn with_key(service: &Service, path: &str) -> Answer {
    get(service, path, &format!("X-Api-Key: {KEY}\r\nUser-Agent: bouncer/1\r\n"))
}

fn list(service: &Service) -> Vec<String> {
    let answer = with_key(service, "/blocklist.txt");
    assert_eq!(answer.status, 200);
    answer.text().lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn lift(service: &Service, client: &str) {
    assert!(service.engine().lift(detector::ClientKey::from_text(client)));
}

#[test]
fn bans_are_listed_until_they_end_and_neither_limits_nor_the_allow_list() {
    let rest = "[client]\ntrusted_proxies = [\"10.0.0.0/8\"]\n[allow]\nnetworks = \
                [\"192.0.2.0/24\"]\n";
    let service = exporting(rest, "");
    let mut edge = crate::service::Edge::connect(&service);
    for page in 0..5 {
        let told = edge.ask("/auth_request", "198.51.100.1", &format!("/p/{page}"));
        assert_eq!(told.status, if page < 2 { 200 } else { 403 });
    }
    for client in ["203.0.113.1", "2001:db8::1", "192.0.2.1", "10.0.0.1"] {
        service.ban(client);
    }
    until(|| list(&service).len() == 2, "both bans");
    assert_eq!(list(&service), ["203.0.113.1", "2001:db8::/64"]);
    let file = || std::fs::read_to_string(service.folder.path("banned.conf")).unwrap_or_default();
    until(|| file() == "203.0.113.1/32 1;\n2001:db8::/64 1;\n", "the file");
    lift(&service, "203.0.113.1");
    until(|| list(&service) == ["2001:db8::/64"], "the pardon");
    // Shadow exports nothing.
    let path = service.folder.path("kidoban.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"enforce\"", "\"shadow\"")).unwrap();
    service.running.as_ref().unwrap().reload().unwrap();
    until(|| list(&service).is_empty(), "the end of it");
    until(|| file().is_empty(), "the empty file");
}

#[test]
fn whoever_has_the_list_already_is_told_so_and_who_has_no_key_nothing() {
    let service = exporting("", "");
    service.ban("203.0.113.1");
    until(|| list(&service).len() == 1, "the ban");
    for path in ["/blocklist.txt", "/v1/decisions/stream?startup=true", "/status"] {
        assert_eq!(get(&service, path, "").status, 403, "{path}");
        assert_eq!(get(&service, path, "X-Api-Key: a-key-of-this-tess\r\n").status, 403);
    }
    let first = get(&service, &format!("/blocklist.txt?key={KEY}"), "");
    assert_eq!(first.status, 200);
    let tag = first.header("etag").unwrap();
    let again = |tag: &str| {
        get(&service, "/blocklist.txt", &format!("X-Api-Key: {KEY}\r\nIf-None-Match: {tag}\r\n"))
    };
    assert_eq!((again(tag).status, again(tag).body.len()), (304, 0));
    assert_eq!(again("\"other\"").status, 200);
    service.ban("203.0.113.2");
    until(|| again(tag).status == 200, "another list");
}

#[test]
fn a_bouncer_is_told_everything_once_and_then_what_changes() {
    let service = exporting("", "");
    service.ban("203.0.113.1");
    until(|| list(&service).len() == 1, "the ban");
    let pull = |startup: bool| -> [Vec<String>; 2] {
        let answer = with_key(&service, &format!("/v1/decisions/stream?startup={startup}"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        ["new", "deleted"].map(|key| {
            let of = |decision: &serde_json::Value| {
                assert_eq!(decision["type"], "ban");
                assert!(decision["duration"].as_str().unwrap().ends_with('s'));
                format!("{} {}", decision["scope"], decision["value"]).replace('"', "")
            };
            value[key].as_array().unwrap().iter().map(of).collect()
        })
    };
    let one = || vec!["Ip 203.0.113.1".to_owned()];
    assert_eq!(pull(true), [one(), vec![]]);
    assert_eq!(pull(false), [Vec::<String>::new(), vec![]]);
    lift(&service, "203.0.113.1");
    service.ban("2001:db8::1");
    until(|| list(&service) == ["2001:db8::/64"], "the change");
    assert_eq!(pull(false), [vec!["Range 2001:db8::/64".to_owned()], one()]);
    assert_eq!(pull(true), [vec!["Range 2001:db8::/64".to_owned()], vec![]], "it began anew");
}

#[test]
fn more_bans_in_a_minute_than_are_believed_stop_the_export_until_a_reload() {
    let service = exporting("", "bans_per_minute_max = 20");
    (0..30).for_each(|number| service.ban(&format!("203.0.113.{number}")));
    let status = || -> serde_json::Value {
        serde_json::from_slice(&with_key(&service, "/status").body).unwrap()
    };
    until(|| status()["breaker_open"] == true, "the breaker");
    until(|| status()["left_out"] == 10, "those left out");
    assert_eq!(list(&service).len(), 20);
    service.running.as_ref().unwrap().reload().unwrap();
    until(|| list(&service).len() == 30, "the rest");
}

#[test]
fn debians_crowdsec_custom_bouncer_bans_and_unbans() {
    let service = exporting("", "");
    if Command::new("crowdsec-custom-bouncer").arg("-h").output().is_err() {
        return skip("crowdsec-custom-bouncer is not installed (scripts/setup --tests)");
    }
    let at = |name: &str| service.folder.path(name).display().to_string();
    let script = "#!/bin/sh\necho \"$1 $2\" >> $(dirname $0)/told\n";
    std::fs::write(at("bouncer.sh"), script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(at("bouncer.sh"), executable).unwrap();
    let config = format!(
        "bin_path: {}\npiddir: {}\nupdate_frequency: 1s\ncache_retention_duration: 1s\n\
         daemonize: false\nlog_mode: stdout\nlog_dir: {}\nlog_level: info\napi_url: \
         http://{}/\napi_key: {KEY}\nprometheus:\n  enabled: false\n",
        at("bouncer.sh"),
        at(""),
        at(""),
        exports(&service)
    );
    std::fs::write(at("bouncer.yaml"), config).unwrap();
    service.ban("203.0.113.1");
    let log = std::fs::File::create(at("bouncer.log")).unwrap();
    let mut bouncer = Command::new("crowdsec-custom-bouncer")
        .args(["-c", &at("bouncer.yaml")])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let told = || std::fs::read_to_string(at("told")).unwrap_or_default();
    let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until(|| told().contains("add 203.0.113.1"), "the bouncer's ban");
        lift(&service, "203.0.113.1");
        until(|| told().contains("del 203.0.113.1"), "the bouncer's pardon");
    }));
    let _ = bouncer.kill();
    let _ = bouncer.wait();
    assert!(seen.is_ok(), "{}", std::fs::read_to_string(at("bouncer.log")).unwrap());
}

/// Runs itself again in a network of its own, where it may change the firewall.
#[test]
fn the_kernel_drops_whom_the_firewalls_table_holds_and_nobody_else() {
    if std::env::var_os("KIDOBAN_TEST_NETWORK").is_some() {
        return in_a_network_of_its_own();
    }
    let has = |program: &str, argument: &str| Command::new(program).arg(argument).output().is_ok();
    let may = || Command::new("unshare").args(["-rn", "true"]).status().is_ok_and(|s| s.success());
    if !has("nft", "--version") || !has("ip", "-V") || !may() {
        return skip("nft and ip are not installed, or no network may be made (unshare -rn)");
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let output = Command::new("unshare")
        .arg("-rn")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env("KIDOBAN_TEST_NETWORK", "yes")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn in_a_network_of_its_own() {
    let run = |command: &str| {
        let mut words = command.split(' ');
        let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run("ip link set lo up");
    for address in ["203.0.113.1/32", "203.0.113.2/32", "2001:db8::1/128", "2001:db8:0:1::1/128"] {
        run(&format!("ip addr add {address} dev lo"));
    }
    run("nft add table inet foreign");
    run("nft add set inet foreign kept { type ipv4_addr; elements = { 192.0.2.1 } }");
    assert!(Firewall::open("foreign").unwrap_err().to_string().contains("foreign"));

    let bounds = Bounds { bans_max: 20_000, bans_per_minute_max: 20_000 };
    let mut ledger = Ledger::new(bounds);
    let mut firewall = Firewall::open("kidoban").unwrap();
    let mut apply = |now_s: i64, bans: &[(&str, i64)]| {
        let ban = |(network, until_s): &(&str, i64)| Banned {
            network: network.parse::<IpNet>().unwrap(),
            until_us: until_s * 1_000_000,
        };
        ledger.update(now_s * 1_000_000, &bans.iter().map(ban).collect::<Vec<_>>());
        firewall.apply(&ledger.changes(firewall.next_change()), now_s * 1_000_000);
        assert!(firewall.next_change() > 0, "nft has refused it");
    };
    let (one, six) = (("203.0.113.1/32", 500), ("2001:db8::/64", 500));
    apply(0, &[]);
    let all = ["203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8:0:1::1"];
    let passing = || all.map(reaches);
    assert_eq!(passing(), [true; 4]);
    apply(1, &[one, six]);
    assert_eq!(passing(), [false, true, false, true]);
    // Longer, with another beside it; then one is lifted.
    apply(2, &[("203.0.113.1/32", 9_000), six, ("203.0.113.2/32", 500)]);
    assert_eq!(passing(), [false, false, false, true]);
    assert!(run("nft list table inet kidoban").contains("timeout 2h29m"));
    apply(3, &[("203.0.113.2/32", 500)]);
    assert_eq!(passing(), [true, false, true, true]);
    // A service that starts anew takes its own table over.
    let mut again = Firewall::open("kidoban").unwrap();
    let fresh = Ledger::new(bounds);
    again.apply(&fresh.changes(0), 0);
    assert_eq!(passing(), [true; 4]);
    assert!(run("nft list table inet foreign").contains("192.0.2.1"), "nobody else's is touched");

    let many: Vec<Banned> = (0..10_000_u32)
        .map(|number| Banned {
            network: IpNet::from(std::net::IpAddr::V4((0x0a00_0000 + number).into())),
            until_us: 1_000_000_000,
        })
        .collect();
    let mut ledger = Ledger::new(bounds);
    ledger.update(0, &many);
    let begin = std::time::Instant::now();
    again.apply(&ledger.changes(again.next_change()), 0);
    assert_eq!(run("nft list set inet kidoban kidoban_v4").matches("timeout 16m").count(), 10_000);
    println!("10,000 bans in {:?}", begin.elapsed());
}

/// Does a connection from this address come through?
fn reaches(from: &str) -> bool {
    let from: std::net::IpAddr = from.parse().unwrap();
    let listener = std::net::TcpListener::bind(SocketAddr::new(from, 0)).unwrap();
    let to = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = match from.is_ipv4() {
            true => tokio::net::TcpSocket::new_v4(),
            false => tokio::net::TcpSocket::new_v6(),
        };
        let socket = socket.unwrap();
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        let connected = tokio::time::timeout(Duration::from_millis(300), socket.connect(to)).await;
        connected.is_ok_and(|connected| connected.is_ok())
    })
}
