//! nginx in front of a shop and beside a service.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::http::Client;
use crate::origin;
use crate::service::{Service, block, free_port};
use crate::skip::skip;

const PAGE: &str = "nginx-auth-request.md";

/// What is unlike the page.
pub struct Setup<'a> {
    /// Without the line that lets requests pass while the service is down.
    pub is_closed: bool,
    /// Does the server include what asks the service?
    pub is_gated: bool,
    /// Does nginx say how requests ended?
    pub has_outcomes: bool,
    /// More of `http`.
    pub http: &'a str,
    /// More locations of the server.
    pub locations: &'a str,
    pub workers: usize,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            is_closed: false,
            is_gated: true,
            has_outcomes: true,
            http: "",
            locations: "",
            workers: 2,
        }
    }
}

/// nginx in the folder of a service, stopped when dropped.
pub struct Nginx {
    program: &'static str,
    config: PathBuf,
    pub addr: SocketAddr,
}

impl Nginx {
    /// As the page says, but for `setup`.
    pub fn start(service: &Service, setup: &Setup<'_>) -> Option<Self> {
        let Some(program) = program() else {
            skip("nginx is not installed (scripts/setup --tests installs it)");
            return None;
        };
        let folder = &service.folder;
        let (port, open, shop) = (free_port(), free_port(), origin::start());
        let placed = |text: String| {
            text.replace("/run/kidoban/decide.sock", &service.socket().display().to_string())
                .replace("/run/kidoban/outcomes.sock", &service.outcomes().display().to_string())
                .replace("127.0.0.1:9147", &format!("127.0.0.1:{open}"))
        };
        let mut http = placed(block(PAGE, "# http"));
        if setup.is_closed {
            let backup = http.lines().find(|line| line.ends_with("backup;")).unwrap().to_owned();
            http = http.replace(&backup, "");
        }
        if !setup.has_outcomes {
            http = http.replace("access_log syslog:", "# access_log syslog:") + "access_log off;\n";
        }
        if !setup.is_gated {
            "access_log off;\n".clone_into(&mut http);
        }
        let gate = if setup.is_gated { "include kidoban.conf;" } else { "" };
        std::fs::write(folder.path("kidoban.conf"), placed(block(PAGE, "# server"))).unwrap();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", folder.path(kind).display()));
        let v6 = match has_ipv6() {
            true => format!("listen [::1]:{port};"),
            false => String::new(),
        };
        let at = |name: &str| folder.path(name).display().to_string();
        let text = format!(
            "worker_processes {};\npid {};\nerror_log {} warn;\nevents {{}}\nhttp {{\n{}\n{http}\n\
             upstream shop {{ server {shop}; keepalive 8; }}\nserver {{\nlisten 127.0.0.1:{port};\n\
             {v6}\n{gate}\nproxy_http_version 1.1;\nproxy_set_header Connection \
             \"\";\nlocation / {{ proxy_pass http://shop; }}\n{}\n}}\n}}\n",
            setup.workers,
            at("nginx.pid"),
            at("error.log"),
            temporary.concat() + setup.http,
            setup.locations,
        );
        let config = folder.path("nginx.conf");
        std::fs::write(&config, text).unwrap();
        let nginx = Self { program, config, addr: SocketAddr::from(([127, 0, 0, 1], port)) };
        // It returns once it listens.
        let started = nginx.command(&[]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        Some(nginx)
    }

    fn command(&self, arguments: &[&str]) -> Output {
        Command::new(self.program).arg("-c").arg(&self.config).args(arguments).output().unwrap()
    }

    pub fn client(&self) -> Client {
        Client::connect(self.addr)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.command(&["-s", "stop"]);
    }
}

/// Debian keeps it where a user's path does not lead.
fn program() -> Option<&'static str> {
    let runs = |program: &&str| Command::new(program).arg("-v").output().is_ok();
    ["nginx", "/usr/sbin/nginx"].into_iter().find(runs)
}

/// Has this machine IPv6?
pub fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}
