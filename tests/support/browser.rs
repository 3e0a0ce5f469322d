//! A real browser without a window.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Folder;

const NAMES: [&str; 3] = ["chromium", "google-chrome", "chromium-browser"];

/// The page as Chromium has it after its scripts ran, if any did.
pub fn dom_of(folder: &Folder, page: &Path) -> String {
    let profile = format!("--user-data-dir={}", folder.path("browser").display());
    let page = format!("file://{}", page.display());
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
    ];
    let budget = "--virtual-time-budget=1000";
    for name in NAMES {
        let mut command = Command::new(name);
        let command = command.args(flags).args([&profile, budget, "--dump-dom", &page]);
        let Ok(output) = command.stdin(Stdio::null()).output() else { continue };
        let dom = String::from_utf8(output.stdout).unwrap();
        assert!(dom.contains("</html>"), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        return dom;
    }
    panic!("there is no {}: `scripts/setup --tests` installs one", NAMES[0]);
}
