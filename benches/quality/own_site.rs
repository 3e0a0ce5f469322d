//! The table "At home": clients of a site, judged by a model of the same site.

use anyhow::Result;
use trainer::protocol::{cross_validated, held_out_by_time};
use trainer::{Label, Options, Site};

use crate::table::{Table, cells};

/// A site with fewer people or bots is left out, because five folds would hold a handful each.
const CLIENTS_MIN: u64 = 30;

pub fn tables(sites: &[Site], options: &Options) -> Result<String> {
    let mut table = Table::new(
        "At home",
        "A model of the site itself, which remembers it. *Later*: trained on the first 70 % of the \
            site's time, judged on the \
         clients that came only after it. *Others*: five models that each leave out a fifth of the \
         clients, and judge it.",
        &[
            "site",
            "judged on",
            "people",
            "bots",
            "AUC (95 %)",
            "bots caught at 1 % of people (95 %)",
        ],
    );
    for site in sites {
        let judged = |label: Label| {
            let is_judged = |client: &&trainer::site::Client| {
                client.labelled.label == label && client.pages >= options.min_pages
            };
            site.clients.iter().filter(is_judged).count() as u64
        };
        if judged(Label::Human) < CLIENTS_MIN || judged(Label::Bad) < CLIENTS_MIN {
            continue;
        }
        let mut own = site.clone();
        own.learn()?;
        if let Some(late) = held_out_by_time(&own, options) {
            table.row([site.name.clone(), "later".to_owned()].into_iter().chain(cells(&late)));
        }
        let others = cross_validated(&own, options)?;
        table.row([site.name.clone(), "others".to_owned()].into_iter().chain(cells(&others)));
    }
    Ok(table.end())
}
