//! Whom attackers are compared with where nobody, or hardly anybody, is known to be a person: the
//! log's own undeclared clients, **taken for people by assumption**.
//!
//! Some of them are bots. So those that models which have not seen them take for attackers are left
//! out, and everything is fitted again, twice (after the confident learning of Northcutt, Jiang &
//! Chuang 2021, JAIR 70). What remains trains and calibrates a limit, with the assumption named
//! where the evidence stands. It proves nothing: no block threshold comes of it, and the model
//! keeps collecting people.

use std::collections::{BTreeMap, HashSet};

use detector::Class;

use crate::label::{Label, Labelled};
use crate::options::Options;
use crate::prune::ClientIndex;
use crate::samples::Sample;
use crate::site::{Client, Site};
use crate::targets::NONE;

/// The reason of such a label, as it stands in a model's card.
const ASSUMED: &str = "by assumption";
/// How the reason of a weak rule begins that calls a client a bot for what it does *not* ask for.
const UNDECLARED: &str = "undeclared";
/// A log with a smaller share of assets and of requests with a referer of the site shows nothing of
/// browsers: it is that of an API, or its format has no referers.
const BROWSERS_SHARE_MIN: f64 = 0.01;
/// So many people with enough pages are enough to do without the assumption: as many as a model
/// needs to be armed.
const PEOPLE_ENOUGH: usize = 20;
/// The mean probability from which on a client taken for a person is doubted. Attackers are of many
/// kinds, and the bots of one log of one or two. So where these are, attackers are thinner, and
/// even odds would find one bot in thirty.
const DOUBTED_FROM: f64 = 0.2;
/// At most this share of the assumed people is doubted. If models contradict more, they are wrong.
const SHARE_MAX: f64 = 0.6;
/// Fewer clients with enough pages show nothing of how a site is used.
pub(crate) const CLIENTS_MIN: u64 = 10;

/// Was this client taken for a person?
pub(crate) fn is_assumed(client: &Client) -> bool {
    client.labelled.label == Label::Human && client.labelled.why == ASSUMED
}

/// The site with its undeclared clients taken for people. `None` where enough people are known, and
/// where somebody who checked the labels knows at least one.
pub(crate) fn with_people(site: &Site, options: &Options) -> Option<Site> {
    let enough = |client: &&Client| client.pages >= options.min_pages;
    let known = site.clients.iter().filter(|client| client.labelled.label == Label::Human);
    let known = known.filter(enough).count();
    let wanted = if options.labels_are_checked { 1 } else { PEOPLE_ENOUGH };
    let withdraws = !options.labels_are_checked && shows_no_browsers(site);
    let is_unknown = |client: &Client| match client.labelled.label {
        Label::Unknown => true,
        Label::Bad => withdraws && client.labelled.why.starts_with(UNDECLARED),
        Label::Human | Label::GoodBot => false,
    };
    if known >= wanted || !site.clients.iter().filter(enough).any(is_unknown) {
        return None;
    }
    let mut assumed = site.clone();
    for client in assumed.clients.iter_mut().filter(|client| is_unknown(client)) {
        client.labelled = Labelled { label: Label::Human, why: ASSUMED.to_owned() };
    }
    Some(assumed)
}

/// Does the log show next to nothing that tells a browser: no assets, no referers? There a rule
/// that calls a client a bot because it has none calls everybody a bot, and means nobody.
fn shows_no_browsers(site: &Site) -> bool {
    let (mut requests, mut browsers) = (0_u64, 0_u64);
    site.walk(|step| {
        requests += u64::from(step.is_request());
        let tells = step.event.class == Class::Asset || step.referer != NONE;
        browsers += u64::from(step.is_request() && tells);
    });
    browsers as f64 <= BROWSERS_SHARE_MIN * requests as f64
}

/// Whom of the assumed people the models that have not seen them take for attackers, from
/// [`DOUBTED_FROM`] on.
pub(crate) fn unlikely(
    sites: &[Site],
    samples: &[Sample],
    margins: &[f32],
) -> HashSet<ClientIndex> {
    let mut assumed: BTreeMap<ClientIndex, (f64, f64)> = BTreeMap::new();
    for (sample, &margin) in samples.iter().zip(margins) {
        let index = (sample.site, sample.client);
        if is_assumed(&sites[index.0].clients[index.1]) {
            let (sum, rows) = assumed.entry(index).or_default();
            *sum += 1.0 / (1.0 + (-f64::from(margin)).exp());
            *rows += 1.0;
        }
    }
    let most = (assumed.len() as f64 * SHARE_MAX) as usize;
    let mut unlikely: Vec<(f64, ClientIndex)> = assumed
        .into_iter()
        .map(|(index, (sum, rows))| (sum / rows, index))
        .filter(|&(bad, _)| bad >= DOUBTED_FROM)
        .collect();
    unlikely.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    unlikely.into_iter().take(most).map(|(_, index)| index).collect()
}

/// Why nobody can be taken for a person, and what to do.
pub(crate) fn nobody(sites: &[Site], options: &Options) -> String {
    let clients = || sites.iter().flat_map(|site| &site.clients);
    let bots = clients()
        .filter(|client| matches!(client.labelled.label, Label::Bad | Label::GoodBot))
        .count();
    let people = |client: &&Client| matches!(client.labelled.label, Label::Human | Label::Unknown);
    let short = clients().filter(people).filter(|client| client.pages < options.min_pages).count();
    let left = clients().count() - bots - short;
    format!(
        "too few clients that could be people: of {} clients {bots} are bots and {short} others \
            asked for fewer than {} pages; {left} are left, and {CLIENTS_MIN} are needed. Train on \
            a longer log, name people with --labels or --people-path, or keep the shipped model \
            for now: kidoban train --base MODEL gives it this site's profile",
        clients().count(),
        options.min_pages,
    )
}
