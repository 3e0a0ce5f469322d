//! Caddy, with the configuration of docs/deploy/caddy.md.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::http::Client;
use crate::origin;
use crate::service::{STRICT, Service, block, free_port, until};
use crate::skip::skip;

/// Caddy in the folder of a service, stopped when dropped.
struct Caddy {
    process: Child,
    addr: SocketAddr,
}

impl Caddy {
    fn start(service: &Service, closed: bool) -> Option<Self> {
        let Ok(version) = Command::new("caddy").arg("version").output() else {
            skip("Caddy is not installed (scripts/setup --tests installs it)");
            return None;
        };
        assert!(version.status.success());
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut text = block("caddy.md", "# Caddyfile")
            .replace("/run/kidoban/decide.sock", &service.socket().display().to_string())
            .replace("127.0.0.1:3000", &origin::start().to_string())
            .replace("shop.example", &format!("http://:{}", addr.port()));
        if closed {
            let from = text.find("handle_errors").unwrap();
            text.replace_range(from.., "}\n");
        }
        // The visitors of these tests come through a proxy that Caddy is told of.
        text = text.replace("uri /forward_auth", "uri /forward_auth\ntrusted_proxies 127.0.0.0/8");
        let text = format!("{{\nadmin off\n}}\n{text}");
        let config = service.folder.path("Caddyfile");
        std::fs::write(&config, text).unwrap();
        let process = Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&config)
            .env("XDG_CONFIG_HOME", service.folder.path("config"))
            .env("XDG_DATA_HOME", service.folder.path("data"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(service.folder.path("caddy.log")).unwrap())
            .spawn()
            .unwrap();
        let caddy = Self { process, addr };
        until(|| TcpStream::connect(addr).is_ok(), "Caddy");
        Some(caddy)
    }

    fn client(&self) -> Client {
        Client::connect(self.addr)
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const PROXIED: &str = "[client]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";

#[test]
fn caddy_passes_refusals_on_as_they_are() {
    let allow = "[allow]\nnetworks = [\"198.51.100.0/24\"]\n";
    let mut service = Service::start(&format!("{PROXIED}{STRICT}{allow}"), "");
    let Some(caddy) = Caddy::start(&service, true) else { return };
    let mut client = caddy.client();
    for page in 0..2 {
        let answer = client.get_as("203.0.113.1", &format!("/p/{page}?x=%2F"));
        assert_eq!((answer.status, answer.text()), (200, "ok"));
        assert_eq!(answer.header("x-kidoban-decision"), None, "nobody needs to know");
    }
    let answer = client.get_as("203.0.113.1", "/p/3");
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    let id = answer.header("x-kidoban-decision").unwrap().to_owned();
    assert!(answer.text().contains(&id), "{answer:?}");
    service.ban("203.0.113.1");
    service.ban("2001:db8::1");
    service.ban("198.51.100.1");
    assert_eq!(client.get_as("203.0.113.1", "/p/4").status, 403);
    assert_eq!(client.get_as("2001:db8::5", "/p/4").status, 403);
    assert_eq!(client.get_as("198.51.100.1", "/p/4").status, 200, "the allow list");
    let forged = "POST /p/9%2F?x=%22 HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-For: \
                  203.0.113.7\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: \
                  /robots.txt\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(client.ask(forged).status, 200, "and the shop gets its body");
    let log = service.stop();
    assert!(log.contains("\"method\":\"POST\",\"url\":\"/p/9%2F?x=%22\""), "{log}");
    assert!(!log.contains("/robots.txt"), "{log}");
    assert!(!log.contains("\"type\":\"outcome\""), "none come");
    let down = client.get_as("203.0.113.2", "/p/1");
    assert_eq!(down.status, 502, "closed: {down:?}");
}

#[test]
fn caddy_opens_when_the_service_is_down() {
    let mut service = Service::start(&format!("{PROXIED}{STRICT}"), "");
    let Some(caddy) = Caddy::start(&service, false) else { return };
    let mut client = caddy.client();
    service.ban("203.0.113.1");
    assert_eq!(client.get_as("203.0.113.1", "/p/1").status, 403);
    service.stop();
    for page in 0..5 {
        let answer = client.get_as("203.0.113.1", &format!("/p/{page}"));
        assert_eq!((answer.status, answer.text()), (200, "ok"));
    }
}
