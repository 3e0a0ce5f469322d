//! Prints the clients that a model which has not seen their site gets most wrong, with their last
//! requests.

use anyhow::{Context, Result};
use detector::Score;
use kidoban::output::{safe, time};
use trainer::protocol::{Strangers, carried};
use trainer::{Label, Options, Site};

/// Last requests shown of each client.
const SHOWN: usize = 14;

/// Prints the people that score highest and the undeclared bots that score lowest.
pub fn print(sites: &[Site], options: &Options, name: &str, many: usize) -> Result<()> {
    let index = sites
        .iter()
        .position(|site| site.name == name)
        .with_context(|| format!("there is no site {name:?}"))?;
    let strangers = Strangers::new(sites, options);
    let scored = strangers.score(index, &strangers.fit(index, &carried())?);
    let site = &sites[index];
    let mut ranked = scored.clients;
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let is = |label: Label| {
        move |&&(client, _): &&(usize, f32)| site.clients[client].labelled.label == label
    };
    println!("# People of {name} that score highest");
    ranked
        .iter()
        .filter(is(Label::Human))
        .take(many)
        .for_each(|&(client, score)| show(site, client, score));
    println!("\n# Undeclared bots of {name} that score lowest");
    let is_undeclared =
        |&&(client, _): &&(usize, f32)| !site.clients[client].labelled.why.starts_with("declared");
    let bots = ranked.iter().rev().filter(is(Label::Bad)).filter(is_undeclared);
    bots.take(many).for_each(|&(client, score)| show(site, client, score));
    Ok(())
}

fn show(site: &Site, client: usize, score: f32) {
    let known = &site.clients[client];
    let mut steps = Vec::new();
    site.walk(|step| {
        if step.client as usize == client {
            steps.push(*step);
        }
    });
    println!(
        "\n## {} ({}), score {:.3}, {} pages of {} requests",
        safe(&known.name, 60),
        safe(&known.labelled.why, 60),
        Score::from_margin(score).value(),
        known.pages,
        steps.len(),
    );
    for step in steps.iter().skip(steps.len().saturating_sub(SHOWN)) {
        let target = site.targets.get(step.target).unwrap_or("–");
        let referer = site
            .targets
            .get(step.referer)
            .map_or(String::new(), |referer| format!("  from {}", safe(referer, 40)));
        println!("  {} {} {}{referer}", time(step.event.at), step.status, safe(target, 90));
    }
}
