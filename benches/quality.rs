//! Measures how good the detector is, and writes the tables of `docs/quality.md` (`make quality`).
//!
//! ```text
//! quality --site DIR … [--write FILE]          all tables, to a file's markers or to standard output
//! quality --site DIR … --worst SITE N          whom a model that never saw the site gets most wrong, to read
//! quality --budgets SHOPS PEOPLE               only the table of budgets over so many simulated shops of so many people
//! quality --tuned SHOPS PEOPLE                 only whether `kidoban tune` keeps its budgets on so many shops (`make tuned`)
//! ```
//!
//! Training and test parts are split by `trainer::protocol`. There is no clock and no true
//! randomness: the same logs give the same tables.

#![allow(clippy::print_stdout, clippy::print_stderr)] // printing figures is what a bench is for

#[path = "quality/ablation.rs"]
mod ablation;
#[path = "quality/budgets.rs"]
mod budgets;
#[path = "quality/own_site.rs"]
mod own_site;
#[path = "quality/parallel.rs"]
mod parallel;
#[path = "quality/shops.rs"]
mod shops;
#[path = "quality/table.rs"]
mod table;
#[path = "quality/tuned.rs"]
mod tuned;
#[path = "quality/unseen_site.rs"]
mod unseen_site;
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
/// People of a simulated shop. Half of them are known, and half of those are kept apart from
/// training: that many prove a block threshold.
const SHOP_PEOPLE: usize = 16_500;
/// Shops in the table of budgets. They take a minute and a half on two cores.
const MANY_SHOPS: usize = 30;
/// People of each of these shops. An eighth of them, less those with too few pages or a shared
/// address, prove budgets of 1 %.
const SMALL_SHOP_PEOPLE: usize = 5_200;

#[derive(Default)]
struct QualityArgs {
    sites: Vec<PathBuf>,
    write: Option<PathBuf>,
    worst: Option<(String, usize)>,
    /// `--budgets`: shops, and people a day.
    budgets: Option<(usize, usize)>,
    /// `--tuned`: shops, and people a day.
    tuned: Option<(usize, usize)>,
    /// Whether `cargo test` runs this, once and tiny.
    is_smoke: bool,
}

fn main() -> Result<()> {
    let args = QualityArgs::parse(std::env::args().skip(1))?;
    if args.is_smoke {
        return smoke();
    }
    if let Some((shops, people)) = args.budgets {
        println!("{}", budgets::table(shops, people, &options())?);
        return Ok(());
    }
    if let Some((shops, people)) = args.tuned {
        println!("{}", tuned::table(shops, people, &options())?);
        return Ok(());
    }
    let sites = args.sites.iter().map(|folder| read(folder)).collect::<Result<Vec<Site>>>()?;
    if let Some((name, count)) = &args.worst {
        return worst::print(&sites, &options(), name, *count);
    }
    let text = tables(&sites, &SHOPS[..2], SHOP_PEOPLE, args.is_smoke)?;
    match &args.write {
        Some(path) => write_between(path, &text),
        None => {
            println!("{text}");
            Ok(())
        }
    }
}

/// The options of `kidoban train`, except for the comparison of algorithms.
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
    text += &own_site::tables(sites, &options)?;
    step("measuring every site");
    let strangers = Strangers::new(sites, &options);
    let unseen = unseen_site::UnseenSites::new(sites, &strangers, &options)?;
    text += &unseen.left_out();
    text += &unseen.by_class();
    step("adapted on half");
    text += &unseen.adapted()?;
    text += &unseen.refused();
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

/// Replaces the text between the markers. All other text of the file stays.
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

/// Makes all tables of two tiny simulated shops, to see that the bench still works.
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

impl QualityArgs {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut args = Self { is_smoke: true, ..Self::default() };
        while let Some(word) = words.next() {
            let mut next = || words.next().with_context(|| format!("{word}: a value is missing"));
            match word.as_str() {
                "--bench" => args.is_smoke = false,
                "--site" => args.sites.push(PathBuf::from(next()?)),
                "--write" => args.write = Some(PathBuf::from(next()?)),
                "--worst" => {
                    args.worst = Some((next()?, next()?.parse().context("--worst SITE N")?))
                }
                "--budgets" | "--tuned" => {
                    let number =
                        |text: String| text.parse().with_context(|| format!("{word} SHOPS PEOPLE"));
                    let both = Some((number(next()?)?, number(next()?)?));
                    *(if word == "--tuned" { &mut args.tuned } else { &mut args.budgets }) = both;
                }
                // Flags of cargo test, such as --nocapture.
                _ if args.is_smoke => {}
                _ => bail!(
                    "{word}: expected --site DIR, --write FILE, --worst SITE N, --budgets or \
                        --tuned SHOPS PEOPLE"
                ),
            }
        }
        // Checked after the loop, because cargo bench passes --bench last.
        if !args.is_smoke && args.sites.len() < 2 && args.budgets.is_none() && args.tuned.is_none()
        {
            bail!("at least two labelled sites are needed: run `make quality DATA=…`");
        }
        Ok(args)
    }
}
