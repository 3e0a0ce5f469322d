//! Changing thresholds in a configuration file: the keys of `[policy]` that are named, and nothing
//! else in it.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use toml_edit::{DocumentMut, Item, RawString, Table, TableLike, Value};

use super::error::{ConfigError, Place};

/// The text with these keys of `[policy]` set, and with `[tuned]` as in `evidence`, which is TOML;
/// a key or section that is not there is added, all else stays as it was written, comments
/// included. What `[tuned]` said of other thresholds of the same model stays too.
///
/// # Errors
/// A text that is no TOML, or in which `policy` or `tuned` is no section; `path` is what the error
/// calls it.
pub fn with_policy(
    text: &str,
    path: &Path,
    scores: &[(&str, f64)],
    evidence: &str,
) -> Result<String, ConfigError> {
    let wrong = |span: Option<std::ops::Range<usize>>, problem: String| ConfigError::Wrong {
        place: Place::in_file(path, text, span.unwrap_or(0..0)),
        problem,
        remedy: "Set the thresholds by hand.".to_owned(),
    };
    let parse = |text: &str| -> Result<DocumentMut, ConfigError> {
        text.parse().map_err(|error: toml_edit::TomlError| {
            wrong(error.span(), error.message().lines().collect::<Vec<_>>().join(", "))
        })
    };
    let mut document = parse(text)?;
    let section = document.entry("policy").or_insert_with(toml_edit::table);
    let Some(section) = section.as_table_like_mut() else {
        return Err(wrong(None, "`policy` is no section".to_owned()));
    };
    for (key, score) in scores {
        set(section, key, *score);
    }
    if let Some(Item::Table(evidence)) = parse(evidence)?.remove("tuned") {
        set_evidence(&mut document, evidence).map_err(|problem| wrong(None, problem))?;
    }
    Ok(document.to_string())
}

fn set_evidence(document: &mut DocumentMut, mut evidence: Table) -> Result<(), String> {
    let Some(before) = document.get_mut("tuned") else {
        // Wherever it stood in its own text: here it comes last.
        evidence.set_position(None);
        let comment = evidence.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
        let comment = format!("\n{}", comment.trim_start());
        evidence.decor_mut().set_prefix(comment);
        document.insert("tuned", Item::Table(evidence));
        return Ok(());
    };
    let Some(before) = before.as_table_like_mut() else {
        return Err("`tuned` is no section".to_owned());
    };
    let sha256 = |section: &dyn TableLike| {
        section.get("model_sha256").and_then(Item::as_str).map(str::to_owned)
    };
    if sha256(before) != sha256(&evidence) {
        before.clear();
    }
    for (key, item) in evidence {
        match (before.get_mut(&key).and_then(Item::as_value_mut), item.into_value()) {
            (Some(value), Ok(mut next)) => {
                *next.decor_mut() = value.decor().clone();
                *value = next;
            }
            (None, Ok(next)) => drop(before.insert(&key, toml_edit::value(next))),
            (_, Err(_)) => {}
        }
    }
    Ok(())
}

fn set(section: &mut dyn TableLike, key: &str, score: f64) {
    match section.get_mut(key).and_then(Item::as_value_mut) {
        Some(value) => {
            // What stands around it: a comment at the end of its line.
            let decor = value.decor().clone();
            *value = Value::from(score);
            *value.decor_mut() = decor;
        }
        None => drop(section.insert(key, toml_edit::value(score))),
    }
}

/// Puts a text in a file's place: whoever reads it meanwhile sees the old one or the new one,
/// whole. A link stays a link, and who may read it stays as it was.
///
/// # Errors
/// What the system says; the file is then as it was.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = Path::new(&beside);
    let written = (|| {
        let mut file = fs::File::create(beside)?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(beside, &path)
    })();
    if written.is_err() {
        drop(fs::remove_file(beside));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Overrides};

    fn edited(text: &str) -> String {
        let path = Path::new("kidoban.toml");
        let edited =
            with_policy(text, path, &[("limit_score", 0.8125), ("block_score", 0.96875)], "")
                .unwrap();
        let config = Config::parse(&edited, path, &Overrides::default()).unwrap();
        assert_eq!(
            (config.policy().limit_score, config.policy().block_score),
            (Some(0.8125), Some(0.96875))
        );
        edited
    }

    #[test]
    fn everything_else_stays_as_it_was_written() {
        let before = "# My shop.\nupstream = \"http://127.0.0.1:3000\"   # the shop\n\n[policy] # \
            thresholds\n# from last year\n\
                      limit_score = 0.5   # by hand\nlimit_s = 120\n\n[allow]\npaths = [\n 
                          \"/healthz\", # monitoring\n]\n";
        let after = before
            .replace("0.5 ", "0.8125 ")
            .replace("limit_s = 120\n", "limit_s = 120\nblock_score = 0.96875\n");
        assert_eq!(edited(before), after);
        assert_eq!(edited(&after), after, "a second time changes nothing");
    }

    #[test]
    fn a_section_that_is_not_there_is_added() {
        let before = "upstream = \"http://127.0.0.1:3000\"\n\n[allow]\npaths = [\"/healthz\"] # \
            all there is\n";
        assert_eq!(
            edited(before),
            format!("{before}\n[policy]\nlimit_score = 0.8125\nblock_score = 0.96875\n")
        );
    }

    const TUNED: &str = "# What proves it.\n[tuned]\nmodel_sha256 = \"aa\"\nlimit_score = { score \
        = 0.5, people = 9 }\n";

    #[test]
    fn evidence_is_added_and_replaced_and_that_of_another_model_goes() {
        let edit = |text: &str, evidence: &str| {
            with_policy(text, Path::new("k.toml"), &[("limit_score", 0.5)], evidence).unwrap()
        };
        let bare = "[policy]\nlimit_score = 0.5\n\n[allow]\npaths = []\n";
        let first = edit(bare, TUNED);
        assert_eq!(first, format!("{bare}\n{TUNED}"));
        assert_eq!(edit(&first, TUNED), first, "a second time changes nothing");
        let block = TUNED.replace("limit_score", "block_score");
        assert_eq!(
            edit(&first, &block),
            format!("{first}block_score = {{ score = 0.5, people = 9 }}\n")
        );
        let other = block.replace("aa", "bb");
        assert_eq!(
            edit(&first, &other),
            format!("{bare}\n{other}"),
            "what another model proved is gone"
        );
    }

    #[test]
    fn other_ways_to_write_a_section_are_understood() {
        let inline = edited(
            "upstream = \"http://127.0.0.1:3000\"\npolicy = { limit_s = 9, limit_score = 0.5 } # \
                so\n",
        );
        assert!(inline.contains("limit_s = 9") && inline.ends_with("# so\n"), "{inline}");
        let dotted = edited("upstream = \"http://127.0.0.1:3000\"\npolicy.limit_s = 9 # so\n");
        assert!(dotted.contains("policy.limit_s = 9 # so\n"), "{dotted}");
    }

    #[test]
    fn what_is_no_configuration_is_refused_with_its_place() {
        let check = |text: &str, expect: &str| {
            let said = with_policy(text, Path::new("k.toml"), &[("limit_score", 0.5)], TUNED)
                .unwrap_err()
                .to_string();
            assert!(said.contains(expect), "{said}");
        };
        check("a = 1\nb = [\n", "k.toml:");
        check("policy = 3\n", "`policy` is no section");
        check("tuned = 3\n", "`tuned` is no section");
    }
}
