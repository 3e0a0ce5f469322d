//! Thresholds that `tune --write` puts into a configuration, and the proof that is kept with them.

use crate::tune::{LOOSE, checked, day, kidoban, tuned};

use crate::support::{Folder, gate, model, write_config};

const WRITTEN: &str = "# My shop's gate.
upstream = \"http://127.0.0.1:1\"
model = \"lively.json\"   # trained in autumn

[policy] # by hand
limit_score = 0.5 # too low?
# Bans are short here.
block_s = 120

[outcomes]
buyer = \"POST /checkout/complete 2xx\"   # the till

[allow]
paths = [\"/healthz\"]
";

#[test]
fn writing_sets_the_proven_keys_and_keeps_everything_else() {
    let folder = day("written", 450);
    let path = folder.write("kidoban.toml", WRITTEN);
    let json = kidoban(
        &folder.0,
        &tuned(&["--labels", "labels.csv", "--write", "kidoban.toml", "--json"]),
        0,
    )
    .json();
    let score = |rung: usize| json["ladder"][rung]["score"].as_f64().unwrap();
    let after = std::fs::read_to_string(&path).unwrap();
    let expect =
        WRITTEN.replace("limit_score = 0.5 #", &format!("limit_score = {} #", score(0))).replace(
            "block_s = 120\n",
            &format!("block_s = 120\nblock_score = {}\ncohort_score = {}\n", score(1), score(2)),
        );
    let written = after.strip_prefix(&expect).unwrap_or_else(|| panic!("{after}"));
    assert!(
        written.starts_with("\n# What proves") && written.contains("\n[tuned]\nmodel_sha256 = \""),
        "{written}"
    );
    assert_eq!(written.lines().filter(|line| line.contains("people = ")).count(), 3, "{written}");
    assert_eq!(json["ladder"][0]["before"], 0.5);
    assert_eq!(json["written"], "kidoban.toml");
    assert!(
        json["at_risk"][0]["sessions"].as_u64().unwrap() > 5,
        "the file's outcomes count: {}",
        json["at_risk"]
    );
    kidoban(&folder.0, &["check", "-c", "kidoban.toml"], 0);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 4, "nothing is left beside it");
}

#[test]
fn thresholds_are_not_written_for_a_gate_that_runs_another_model() {
    let folder = day("other-model", 450);
    let built_in = "# The built-in model.\nupstream = \"http://127.0.0.1:1\"\n";
    let path = folder.write("kidoban.toml", built_in);
    let write = ["--labels", "labels.csv", "--write", "kidoban.toml"];
    let said = kidoban(&folder.0, &tuned(&write), 2).stderr;
    assert!(
        said.contains("kidoban.toml: its gate runs the model ")
            && said.contains("thresholds of lively"),
        "{said}"
    );
    assert!(said.contains("Write model = \"lively.json\" at its top"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), built_in);
    // Not even where another file names the right one.
    folder.write("tuned.toml", WRITTEN);
    let arguments = [&["tune", "-c", "tuned.toml", "access.log"], &LOOSE[..], &write].concat();
    let said = kidoban(&folder.0, &arguments, 2).stderr;
    assert!(said.contains("Pass the same file as -c"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), built_in);
    // Without --write it is a remark.
    let said =
        kidoban(&folder.0, &tuned(&["-c", "kidoban.toml", "--labels", "labels.csv"]), 0).stdout;
    assert!(
        said.contains("warning: kidoban.toml runs another model (")
            && said.contains("mean nothing"),
        "{said}"
    );
    // A copy under another name is the same model; with the advice it works.
    folder.write("copy.json", std::fs::read(folder.path("lively.json")).unwrap());
    folder.write("kidoban.toml", format!("model = \"copy.json\"\n{built_in}"));
    let said = kidoban(&folder.0, &tuned(&write), 0).stdout;
    assert!(said.contains("Wrote limit_score = ") && !said.contains("another model"), "{said}");
}

#[test]
fn the_proof_is_kept_with_the_thresholds_and_is_of_their_model_alone() {
    let folder = day("evidence", 450);
    let path = folder.write("kidoban.toml", WRITTEN);
    let json = kidoban(
        &folder.0,
        &tuned(&["--labels", "labels.csv", "--write", "kidoban.toml", "--json"]),
        0,
    )
    .json();
    let ([limit, block], said) = checked(&folder);
    for (rung, basis) in [limit, block].iter().enumerate() {
        let (rung, proof) = (&json["ladder"][rung], &basis["tuned"]);
        assert_eq!(
            (&proof["score"], &proof["people"], &proof["above"]),
            (&rung["score"], &rung["n"], &rung["k"])
        );
        let [written, bound] = [proof, rung].map(|it| it["at_most"].as_f64().unwrap());
        assert!(written >= bound && written < bound * 1.02, "{written} {bound}");
    }
    assert!(
        said.contains(", tuned for this model: ") && said.contains("with 95 % confidence"),
        "{said}"
    );
    assert!(!said.contains("no evidence") && !said.contains("by hand"), "{said}");

    // Another score, fewer pages, another model of the same name.
    let tuned_text = std::fs::read_to_string(&path).unwrap();
    let lower = tuned_text.replacen("\nlimit_score = 0.", "\nlimit_score = 0.0", 1);
    folder.write("kidoban.toml", lower);
    let ([limit, block], said) = checked(&folder);
    assert_eq!(limit, "changed");
    assert!(
        block["tuned"].is_object()
            && said.contains("warning: limit_score is not the score that [tuned] proves"),
        "{said}"
    );
    folder
        .write("kidoban.toml", tuned_text.replace("[policy] # by hand", "[policy]\nmin_pages = 3"));
    let ([limit, _], said) = checked(&folder);
    assert_eq!(limit, serde_json::json!({"fewer_pages": {"from_pages": 5}}));
    assert!(
        said.contains("warning: block_score is proven from 5 pages on, and min_pages is less"),
        "{said}"
    );
    let mut file = model::file("lively", model::constant(-1.0));
    file.resolution_us = 1_000;
    model::write(&folder, &file);
    folder.write("kidoban.toml", &tuned_text);
    let (basis, said) = checked(&folder);
    assert_eq!(basis, [serde_json::json!("other_model"), serde_json::json!("other_model")]);
    assert!(
        said.contains(
            "warning: limit_score, block_score and cohort_score were tuned for another model ("
        ),
        "{said}"
    );
    assert!(said.contains("tuned for another model: that is no evidence for this one"), "{said}");

    // By hand, there is none either.
    folder.write("kidoban.toml", WRITTEN.replace("limit_score = 0.5", "block_score = 0.9"));
    let ([_, block], said) = checked(&folder);
    assert_eq!(block, "hand");
    assert!(
        said.contains("set by hand in the configuration: there is no evidence for it"),
        "{said}"
    );
    assert!(said.contains("warning: block_score is set by hand"), "{said}");
}

#[test]
fn a_gate_says_aloud_that_its_thresholds_are_of_another_model() {
    let folder = Folder::new("tuned-for-another");
    let (one, other) =
        (model::file("one", model::constant(-1.0)), model::file("other", model::constant(-2.0)));
    model::write(&folder, &other);
    let sha256 = model::parse(&one).sha256().to_owned();
    model::write(&folder, &one);
    let rest = |model: &str| {
        format!(
            "model = \"{model}.json\"\n[policy]\nlimit_score = 0.9\n[tuned]\nmodel_sha256 = \
                \"{sha256}\"\nlimit_score = {{ score = \
             0.9, people = 400, above = 0, at_most = 0.0075, confidence = 0.95, from_pages = 5 }}\n"
        )
    };
    let nobody = "127.0.0.1:1".parse().unwrap();
    let gate = gate(&folder, nobody, &rest("one"));
    assert_eq!(gate.reload().unwrap().warnings, [""; 0]);
    write_config(&folder, nobody, &rest("other"));
    let warnings = gate.reload().unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("limit_score was tuned for another model (")
            && warnings[0].contains("than other ("),
        "{warnings:?}"
    );
    gate.stop();
}

#[test]
fn what_the_people_cannot_carry_is_refused_with_their_number_and_stays() {
    let folder = day("refused", 450);
    let path =
        folder.write("kidoban.toml", WRITTEN.replace("block_s = 120", "block_score = 0.9999"));
    let budgets = [
        "tune",
        "access.log",
        "--labels",
        "labels.csv",
        "--fp-budget",
        "2%",
        "--block-budget",
        "0.01%",
    ];
    let ended =
        kidoban(&folder.0, &[&budgets[..], &["--write", "kidoban.toml", "--json"]].concat(), 1);
    let json = ended.json();
    let block = &json["ladder"][1];
    let n = json["people"]["judged"].as_u64().unwrap();
    assert_eq!(
        (&block["state"], &block["missing"], &block["needed"]),
        (&"kept".into(), &(29_956 - n).into(), &29_956.into())
    );
    let after = std::fs::read_to_string(&path).unwrap();
    assert!(
        after.contains("block_score = 0.9999\n") && !after.contains("limit_score = 0.5 "),
        "{after}"
    );
    kidoban(&folder.0, &["check", "-c", "kidoban.toml"], 0);

    // Nothing at all is carried: nothing is written.
    let none = [
        "tune",
        "access.log",
        "--labels",
        "labels.csv",
        "--fp-budget",
        "0.01%",
        "--write",
        "kidoban.toml",
    ];
    let said = kidoban(&folder.0, &none, 1).stdout;
    assert!(
        said.contains(&format!(
            "needs {} more people: 29956 without an error prove 0.01 %",
            29_956 - n
        )),
        "{said}"
    );
    assert!(said.contains("Nothing is proven, so kidoban.toml stays as it is"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
    let said = kidoban(&folder.0, &none[..6], 1).stdout;
    assert!(said.ends_with("\n\nNothing is proven, so there is nothing to set.\n"), "{said}");
    assert!(!said.contains("[policy]") && !said.contains("\n\n\n"), "{said}");
}
