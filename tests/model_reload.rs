//! A reload that brings a bad model: the last good one serves on.

use crate::models::{golden, reseal, trees};
use detector::model::File;

use crate::support::http::Client;
use crate::support::{Folder, gate, metric, model, origin};

#[test]
fn the_last_good_model_serves_on_when_a_reload_brings_a_bad_one() {
    let folder = Folder::new("last-good");
    let strict = model::file("served", model::constant(5.0));
    let path = model::write(&folder, &strict);
    let policy = "[policy]\nmin_pages = 1\nlimit_score = 0.5\nblock_score = 0.9\nblock_after_pages \
        = 1\nblock_s = 1\nblock_max_s = 1\n";
    let rest = format!(
        "mode = \"enforce\"\nmodel = {path:?}\n[client]\ntrusted_proxies = \
            [\"127.0.0.0/8\"]\n{policy}"
    );
    let gate = gate(&folder, origin::start(), &rest);
    let mut connection = Client::connect(gate.addr());
    let sound = std::fs::read(&path).unwrap();
    let sha256 = gate.engine().judge().model.as_ref().unwrap().sha256().to_owned();
    let mut flipped = sound.clone();
    flipped[300] ^= 1;

    let bad: [(&[u8], &str); 5] = [
        (&[], "too short to be a model"),
        (&sound[..sound.len() - 1], "does not end in its sha256"),
        (&flipped, "its sha256 does not fit"),
        (&trees(|_, _, left, _| left[0] = 0), "node 0 has child 0"),
        (&reseal(|file| file.golden[0].margin = 0.0), "golden row 0 scores"),
    ];
    for (number, (bytes, expect)) in bad.into_iter().enumerate() {
        std::fs::write(&path, bytes).unwrap();
        let error = gate.reload().expect_err(expect).to_string();
        assert!(
            error.contains("served.json: this model is refused") && error.contains(expect),
            "{error}"
        );
        // Somebody new each time: judged, not remembered.
        assert_eq!(
            connection.get_as(&format!("198.51.100.{number}"), "/p/1").status,
            403,
            "after {expect}"
        );
        assert_eq!(gate.engine().judge().model.as_ref().unwrap().sha256(), sha256);
    }
    std::fs::remove_file(&path).unwrap();
    assert!(gate.reload().unwrap_err().to_string().contains("cannot read the model"));
    assert_eq!(connection.get_as("198.51.100.9", "/p/1").status, 403);

    model::write(
        &folder,
        &File { scorer: model::constant(-5.0), golden: vec![golden(-5.0)], ..strict },
    );
    assert_eq!(gate.reload().unwrap().model.as_deref(), Some("served"));
    assert_eq!(connection.get_as("198.51.100.10", "/p/1").status, 200);
    let text = gate.engine().metrics_text();
    assert_eq!(metric(&text, "kidoban_reloads_total{result=\"refused\"}"), 6, "{text}");
    assert_eq!(metric(&text, "kidoban_reloads_total{result=\"ok\"}"), 1, "{text}");
}
