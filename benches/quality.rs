//! How good the detector is: writes the tables of `docs/quality.md` (`make quality`).
//!
//! ```text
//! quality --site DIR … [--write FILE]          all tables, to a file's markers or to standard output
//! quality --site DIR … --worst SITE N          whom a model that never saw the site gets most wrong, to read
//! quality --budgets SHOPS PEOPLE               only the table of budgets over so many simulated shops of so many people
//! quality --tuned SHOPS PEOPLE                 only whether `kidoban tune` keeps its budgets on so many shops (`make tuned`)
//! ```
//!
//! The splits are `trainer::protocol`'s. No clock, no chance: the same logs give the same tables.

#![allow(clippy::print_stdout, clippy::print_stderr)] // printing figures is what a bench is for

#[path = "quality/ablation.rs"]
mod ablation;
#[path = "quality/budgets.rs"]
mod budgets;
#[path = "quality/cores.rs"]
mod cores;
#[path = "quality/home.rs"]
mod home;
#[path = "quality/shops.rs"]
mod shops;
#[path = "quality/strange.rs"]
mod strange;
#[path = "quality/table.rs"]
mod table;
#[path = "quality/tuned.rs"]
mod tuned;
#[path = "quality/worst.rs"]
mod worst;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kidoban::input::{Logs, read_labels};
use kidoban::simulate::write_shop;
use traffic::sim::SHOPS;
use trainer::protocol::Strangers;
use trainer::{Options, Site};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BEGIN: &str = "<!-- make quality: begin -->";
const END: &str = "<!-- make quality: end -->";
/// Visitors of a simulated shop: half of them, and of these again half that is kept apart from
/// training, are enough to prove a block threshold.
const SHOP_PEOPLE: usize = 16_500;
/// Shops over which budgets are looked at: a minute and a half on two cores.
const MANY_SHOPS: usize = 30;
/// Their people: an eighth of them, less those with too few pages or a shared address, prove
/// budgets of 1 %.
const SMALL_SHOP_PEOPLE: usize = 5_200;

#[derive(Default)]
struct Asked {
    sites: Vec<PathBuf>,
    write: Option<PathBuf>,
    worst: Option<(String, usize)>,
    /// Shops, and people a day.
    budgets: Option<(usize, usize)>,
    /// Likewise.
    tuned: Option<(usize, usize)>,
    /// `cargo test` runs every bench once: then everything is tiny.
    is_smoke: bool,
}

fn main() -> Result<()> {
    let asked = Asked::parse(std::env::args().skip(1))?;
    if asked.is_smoke {
        return smoke();
    }
    if let Some((shops, people)) = asked.budgets {
        println!("{}", budgets::table(shops, people, &options())?);
        return Ok(());
    }
    if let Some((shops, people)) = asked.tuned {
        println!("{}", tuned::table(shops, people, &options())?);
        return Ok(());
    }
    let sites = asked.sites.iter().map(|folder| read(folder)).collect::<Result<Vec<Site>>>()?;
    if let Some((name, count)) = &asked.worst {
        return worst::print(&sites, &options(), name, *count);
    }
    let text = tables(&sites, &SHOPS[..2], SHOP_PEOPLE, asked.is_smoke)?;
    match &asked.write {
        Some(path) => write_between(path, &text),
        None => {
            println!("{text}");
            Ok(())
        }
    }
}

/// What `kidoban train` uses, but for the comparison of algorithms.
fn options() -> Options {
    Options::default()
}

/// All tables, as Markdown.
fn tables(
    sites: &[Site],
    shops: &[traffic::sim::Shop],
    people: usize,
    is_smoke: bool,
) -> Result<String> {
    let options = options();
    let mut text = String::new();
    step("at home");
    text += &home::tables(sites, &options)?;
    step("measuring every site");
    let strangers = Strangers::new(sites, &options);
    let strange = strange::Strange::new(sites, &strangers, &options)?;
    text += &strange.left_out();
    text += &strange.by_class();
    step("adapted on half");
    text += &strange.adapted()?;
    text += &strange.refused();
    step("simulated shops");
    text += &shops::table(shops, people, &strangers, sites.len(), &options)?;
    step("budgets over many simulated shops");
    let (many, small) = if is_smoke { (1, 300) } else { (MANY_SHOPS, SMALL_SHOP_PEOPLE) };
    text += &budgets::table(many, small, &options)?;
    step("ablation");
    text += &ablation::table(sites, &strangers, if is_smoke { 2 } else { usize::MAX })?;
    Ok(text)
}

fn step(what: &str) {
    eprintln!("quality: {what}");
}

fn read(folder: &Path) -> Result<Site> {
    let name = folder
        .file_name()
        .map_or_else(|| "site".to_owned(), |name| name.to_string_lossy().into_owned());
    let labels = read_labels(&folder.join("labels.csv"))?;
    let logs = Logs::find(&[folder.join("access.log*").display().to_string()])?;
    Ok(logs.read_site(&name, Some(&labels))?.0)
}

/// Replaces what stands between the markers; everything else is prose and stays.
fn write_between(path: &Path, tables: &str) -> Result<()> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{}: cannot be read", path.display()))?;
    let parts =
        text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        bail!(
            "{}: expected the lines {BEGIN} and {END}, between which the tables go",
            path.display()
        );
    };
    let text = format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", tables.trim());
    std::fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))
}

/// All tables of two tiny simulated shops: do they still come out?
fn smoke() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("kidoban-quality-{}", std::process::id()));
    let one = |shop: &traffic::sim::Shop| {
        let folder = folder.join(shop.name);
        write_shop(shop, 1, 6, Some(60), &folder)?;
        read(&folder)
    };
    let sites = SHOPS[..2].iter().map(one).collect::<Result<Vec<Site>>>();
    let text = sites.and_then(|sites| tables(&sites, &SHOPS[..1], 60, true));
    drop(std::fs::remove_dir_all(&folder));
    println!("{}", text?);
    println!("{}", tuned::table(1, 60, &options())?);
    Ok(())
}

impl Asked {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut asked = Self { is_smoke: true, ..Self::default() };
        while let Some(word) = words.next() {
            let mut next = || words.next().with_context(|| format!("{word}: a value is missing"));
            match word.as_str() {
                "--bench" => asked.is_smoke = false,
                "--site" => asked.sites.push(PathBuf::from(next()?)),
                "--write" => asked.write = Some(PathBuf::from(next()?)),
                "--worst" => {
                    asked.worst = Some((next()?, next()?.parse().context("--worst SITE N")?))
                }
                "--budgets" | "--tuned" => {
                    let number =
                        |text: String| text.parse().with_context(|| format!("{word} SHOPS PEOPLE"));
                    let both = Some((number(next()?)?, number(next()?)?));
                    *(if word == "--tuned" { &mut asked.tuned } else { &mut asked.budgets }) = both;
                }
                // cargo test's own, such as --nocapture.
                _ if asked.is_smoke => {}
                _ => bail!(
                    "{word}: expected --site DIR, --write FILE, --worst SITE N, --budgets or \
                        --tuned SHOPS PEOPLE"
                ),
            }
        }
        // cargo bench gives --bench last.
        if !asked.is_smoke
            && asked.sites.len() < 2
            && asked.budgets.is_none()
            && asked.tuned.is_none()
        {
            bail!("at least two labelled sites are needed: run `make quality DATA=…`");
        }
        Ok(asked)
    }
}
