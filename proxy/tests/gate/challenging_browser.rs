//! A real browser passes a challenge by itself, where there is one.

use std::process::{Command, Stdio};

use super::skip::skip;
use super::*;

const NAMES: [&str; 3] = ["chromium", "google-chrome", "chromium-browser"];
const FLAGS: [&str; 6] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--virtual-time-budget=20000",
];

#[test]
fn a_real_browser_passes_and_comes_to_the_page_it_wanted() {
    let (origin, folder) = (Origin::start(), Folder::new("challenge-browser"));
    // The browser asks for its page, for what comes after the form, and for an icon.
    let policy = "[policy]\nmin_pages = 1\nlimit_score = 0.5\nblock_score = \
        0.99999\nlimit_burst_pages = 3\nlimit_pages_per_min = 1\nslow_after_points = \
        0\nhold_after_points = 0\n[challenge]\nenabled = true\nproof_bits = 10\nwait_s = 1\n";
    let gate = strict(&origin, &folder, "enforce", policy);
    let client = &mut Client::connect(gate.addr());
    (0..4).for_each(|number| _ = client.get(&format!("/p/{number}")));
    assert_eq!(client.get("/p/4").status, 429);
    let profile = format!("--user-data-dir={}", folder.0.join("browser").display());
    let page = format!("http://{}/p/wanted?a=1&b=2", gate.addr());
    let output = NAMES.iter().find_map(|name| {
        let mut command = Command::new(name);
        let command = command.args(FLAGS).args([&profile, "--dump-dom", &page]);
        command.stdin(Stdio::null()).output().ok()
    });
    let Some(output) = output else {
        let name = NAMES[0];
        return skip(&format!("there is no {name}; `scripts/setup --tests` installs one"));
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    let text = metrics(&gate);
    assert!(text.contains("kidoban_challenges_total{result=\"passed\"} 1\n"), "{shown}\n{text}");
    assert!(shown.contains("GET /p/wanted?a=1&amp;b=2"), "{shown}");
}
