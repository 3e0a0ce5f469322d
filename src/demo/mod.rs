//! `kidoban demo`: everything that an operator would do with Kidoban, on loopback, in half a
//! minute.
//!
//! [`yesterday`] simulates the access log of a toy shop and trains a model on it. The gate then
//! runs with that model in front of the shop. Today's visitors come through real sockets: [`shop`]
//! is the origin, a real HTTP server, and [`visitors`] drives simulated people and bots. Both
//! follow [`traffic::sim`], so a live run behaves as the simulated log did. [`today`] says who
//! comes and judges the result; [`table`] prints it.

pub mod shop;
pub mod table;
pub mod today;
pub mod visitors;
pub mod yesterday;

use std::io::{IsTerminal, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use gate::Mode;
use proxy::{Config, Overrides, RunningGate};
use tokio::time::{Instant, sleep};
use traffic::sim::Site;

use crate::args::DemoArgs;
use crate::command_result::CommandResult;
use crate::output::{self, print};
use shop::ToyShop;
use today::{DemoResult, visitors_of_today};
use visitors::{Live, VisitPlan, drive_all};

/// How often the live table is redrawn on a terminal.
const REDRAW: Duration = Duration::from_millis(250);
/// How often a line is printed where there is no terminal.
const RETELL: Duration = Duration::from_secs(5);

/// Runs the demo. The result is `Failed` when a shopper was refused, a bot was not stopped, a
/// connection failed, or a verdict was not repeated by replay.
///
/// # Errors
/// A file that cannot be written, an address that cannot be listened on, or a failed training.
pub fn run(args: &DemoArgs) -> Result<CommandResult> {
    let folder = Folder::create(args.keep)?;
    let site = Arc::new(Site::new(args.seed));
    if !args.json {
        print("Yesterday: simulating the toy shop's access log and training on it …\n")?;
    }
    let model = yesterday::train(&site, args.seed, &folder.path)?;
    if !args.json {
        print(&yesterday::describe(&model, &folder.path))?;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let shop = runtime
        .block_on(ToyShop::start(Arc::clone(&site), loopback()))
        .context("the toy shop cannot listen")?;
    let gate = RunningGate::start(config(&shop, &folder.path)?)?;
    if !args.json {
        print(&format!(
            "\nToday: the gate at http://{} (enforce) in front of the shop at http://{}; metrics \
                at http://{}/metrics\n",
            gate.addr(),
            shop.address(),
            gate.admin_addr(),
        ))?;
    }
    let visitors = visitors_of_today(&site, args.seed);
    let seconds = Duration::from_secs(args.seconds);
    runtime.block_on(async {
        let plan = VisitPlan { to: gate.addr(), until: Instant::now() + seconds, speed: 1.0 };
        let (live, done) = drive_all(visitors, plan);
        let done = tokio::spawn(done);
        watch(&live, plan.until, args.json).await?;
        done.await.context("a visitor failed")?;
        let metrics = gate.engine().metrics_text();
        gate.engine().flush_event_log();
        let result = DemoResult::judge(&live, &folder.path, &metrics)?;
        if args.json {
            output::print_json(&result)?;
        } else {
            print(&table::summary(&result))?;
        }
        if args.keep {
            keep(&gate, &shop, &folder.path).await?;
        }
        Ok(CommandResult::passed_if(result.is_good()))
    })
}

/// Prints the counters of all visitors until the time is over.
async fn watch(live: &[Arc<Live>], until: Instant, is_quiet: bool) -> Result<()> {
    let is_terminal = std::io::stdout().is_terminal();
    let mut drawn = 0;
    while Instant::now() < until {
        let left = until.saturating_duration_since(Instant::now());
        if is_quiet {
            sleep(left).await;
        } else if is_terminal {
            let text = table::live(live, left);
            let up = if drawn > 0 { format!("\x1b[{drawn}A\x1b[J") } else { String::new() };
            drawn = text.lines().count();
            print(&format!("{up}{text}"))?;
            sleep(REDRAW.min(left)).await;
        } else {
            print(&table::line(live, left))?;
            sleep(RETELL.min(left)).await;
        }
    }
    if drawn > 0 {
        print(&format!("\x1b[{drawn}A\x1b[J"))?;
    }
    Ok(())
}

async fn keep(gate: &RunningGate, shop: &ToyShop, folder: &Path) -> Result<()> {
    print(&format!(
        "\nStill running; stop with Ctrl-C.\n  shop through the gate  http://{}\n  shop itself    \
                    http://{}\n  \
         metrics                http://{}/metrics\n  logs and model         {}\n",
        gate.addr(),
        shop.address(),
        gate.admin_addr(),
        folder.display()
    ))?;
    tokio::signal::ctrl_c().await.context("Ctrl-C cannot be waited for")
}

fn config(shop: &ToyShop, folder: &Path) -> Result<Config> {
    let gate = gate::Overrides {
        admin: Some(loopback().to_string()),
        model: Some(folder.join("shop.json")),
        mode: Some(Mode::Enforce),
        event_log: Some(folder.join("events.log")),
        ..gate::Overrides::default()
    };
    let overrides = Overrides {
        gate,
        upstream: Some(format!("http://{}", shop.address())),
        listen: Some(loopback().to_string()),
    };
    Ok(Config::from_flags(&overrides)?)
}

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Folder of the demo's logs and model. It is removed at the end unless `--keep` is given.
struct Folder {
    path: PathBuf,
    is_kept: bool,
}

impl Folder {
    fn create(is_kept: bool) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("kidoban-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("{}: cannot be made", path.display()))?;
        Ok(Self { path, is_kept })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_kept && std::fs::remove_dir_all(&self.path).is_err() {
            drop(writeln!(std::io::stderr(), "{} could not be removed", self.path.display()));
        }
    }
}
