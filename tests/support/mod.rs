//! What several tests need: folders, models, clients, a shop.

pub mod browser;
pub mod command;
pub mod event_log;
pub mod html;
pub mod http;
pub mod model;
pub mod origin;
mod skip;

use std::path::{Path, PathBuf};

use proxy::{Config, Overrides, RunningGate};
pub use skip::skip;

/// The root of this repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fixtures, by their place below `tests/data`.
pub fn data(name: &str) -> PathBuf {
    root().join("tests/data").join(name)
}

/// A real access log and its labels, for those who have them; for everybody else `None`, and the
/// test is counted as skipped.
pub fn real_logs(site: &str) -> Option<(PathBuf, PathBuf)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(site);
    let (log, labels) = (folder.join("access.log.gz"), folder.join("labels.csv"));
    if log.is_file() && labels.is_file() {
        return Some((log, labels));
    }
    skip(&format!("the public log {site:?} is not beside this repository (../shared/data/{site})"));
    None
}

/// A folder of a test's own, removed when the test passes.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(test: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("kidoban-tests-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// A gate on free ports in front of `upstream`; `rest` is more configuration, written to
/// `kidoban.toml` in the folder.
pub fn gate(folder: &Folder, upstream: std::net::SocketAddr, rest: &str) -> RunningGate {
    write_config(folder, upstream, rest);
    RunningGate::start(
        Config::load(Some(&folder.path("kidoban.toml")), &Overrides::default()).unwrap(),
    )
    .unwrap()
}

/// (Re)writes the configuration that [`gate`] reads.
pub fn write_config(folder: &Folder, upstream: std::net::SocketAddr, rest: &str) -> PathBuf {
    let proxy = format!("listen = \"127.0.0.1:0\"\nupstream = \"http://{upstream}\"\nthreads = 2");
    let text = format!("admin = \"127.0.0.1:0\"\n{rest}\n[proxy]\n{proxy}\n");
    folder.write("kidoban.toml", text)
}

/// The value of one series in Prometheus' text form; 0 when there is no such line.
pub fn metric(text: &str, series: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap())
}
