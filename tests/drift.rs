//! `kidoban drift` as it is used: on the day after, and on the log of another shop.

use serde_json::Value;

use crate::support::Folder;
use crate::support::command::kidoban;

#[test]
fn the_next_day_is_quiet_and_another_shops_log_is_not() {
    let folder = Folder::new("drift");
    let run = |arguments: &[&str], code: i32| kidoban(&folder.0, arguments).assert(code).stdout;
    run(
        &[
            "simulate", "--shop", "outlet", "--hours", "48", "--people", "300", "--seed", "1",
            "-o", "own",
        ],
        0,
    );
    run(
        &[
            "simulate", "--shop", "spa", "--hours", "24", "--people", "300", "--seed", "1", "-o",
            "other",
        ],
        0,
    );
    // Two days in one file of whole lines, in order of time.
    let both = std::fs::read_to_string(folder.path("own/access.log")).unwrap();
    let lines: Vec<&str> = both.lines().collect();
    let (first, second) = lines.split_at(lines.len() / 2);
    folder.write("first.log", first.join("\n") + "\n");
    folder.write("second.log", second.join("\n") + "\n");
    run(
        &["train", "first.log", "--labels", "own/labels.csv", "--no-compare", "-o", "shop.json"],
        0,
    );

    let quiet =
        run(&["drift", "--model", "shop.json", "--labels", "own/labels.csv", "second.log"], 0);
    assert!(quiet.starts_with("Nothing moved beyond chance ("), "{quiet}");
    assert!(quiet.contains("limit budget"), "{quiet}");
    let loud = run(&["drift", "--model", "shop.json", "other/access.log"], 1);
    assert!(loud.contains("oved: ") || loud.contains("moved"), "{loud}");
    assert!(loud.contains(" !"), "what moved is marked: {loud}");

    let json = run(&["drift", "--model", "shop.json", "other/access.log", "--json"], 1);
    let json: Value = serde_json::from_str(&json).unwrap();
    let first = &json["drift"]["features"][0];
    assert_eq!(first["alarm"], true, "the largest shift comes first: {json}");
    assert!(first["psi"].as_f64() > first["noise"].as_f64());
    assert!(json["budgets"]["limit"]["people"].is_u64());

    // A gate's own thresholds: the model's, and one that somebody set by hand and nothing proves.
    folder.write("kidoban.toml", "model = \"shop.json\"\n");
    let same = run(&["drift", "-c", "kidoban.toml", "--labels", "own/labels.csv", "second.log"], 0);
    assert_eq!(same, quiet);
    folder.write("kidoban.toml", "model = \"shop.json\"\n[policy]\nlimit_score = 0.99\n");
    let unproven =
        run(&["drift", "-c", "kidoban.toml", "--labels", "own/labels.csv", "second.log"], 0);
    assert!(!unproven.contains("limit budget"), "{unproven}");

    // Rows are told in words, and a budget by what it stands on.
    assert!(
        !loud.contains("gap_")
            && !loud.contains("_share")
            && loud.contains("the score, in log-odds"),
        "{loud}"
    );
    assert!(quiet.contains("on what it stands: "), "{quiet}");

    // A handful of clients shows nothing, and that is said.
    folder.write("few.log", second[..400].join("\n") + "\n");
    let few = run(&["drift", "--model", "shop.json", "few.log"], 1);
    assert!(few.starts_with("Too few to say ("), "{few}");

    folder.write("empty.log", "");
    let nothing = run(&["drift", "--model", "shop.json", "empty.log"], 1);
    assert!(nothing.contains("nothing can be said"), "{nothing}");
}
