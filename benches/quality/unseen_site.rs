//! The tables of sites that the model has not seen, before and after adapting it to half of their
//! clients.

use std::collections::BTreeMap;

use anyhow::Result;
use detector::model::Scorer;
use kidoban::output::count;
use trainer::protocol::{
    Adapted, Scored, Strangers, adapted_on_half, calibrated, carried, caught, half_of, model_of,
    without_thresholds,
};
use trainer::scoring::Scoring;
use trainer::statistics::{Interval, auc, share};
use trainer::{Base, Options, Site};

use crate::table::{Table, cells, figure, mean, percent};

/// Each tested site, with a model of all other sites and its scores.
pub struct UnseenSites<'a> {
    sites: &'a [Site],
    options: &'a Options,
    tested: Vec<(usize, Scorer, Scored)>,
}

impl<'a> UnseenSites<'a> {
    fn scoring(&self) -> Scoring {
        Scoring::carried(self.options.min_pages)
    }

    pub fn new(sites: &'a [Site], strangers: &Strangers<'_>, options: &'a Options) -> Result<Self> {
        let of_site = |index: usize| {
            let scorer = strangers.fit(index, &carried())?;
            let scored = strangers.score(index, &scorer);
            Ok((index, scorer, scored))
        };
        let tested = (0..sites.len())
            .filter(|&index| strangers.is_tested(index))
            .map(of_site)
            .collect::<Result<_>>()?;
        Ok(Self { sites, options, tested })
    }

    /// The table of each site, judged by a model of the others.
    pub fn left_out(&self) -> String {
        let mut table = Table::new(
            "A site it never saw",
            "Each site in turn is left out of training and judged by a model of all the others: \
                carried features only, no site \
             memory, as the shipped model. A site without people and bots to judge trains and is \
             not tested.",
            &["left out", "people", "bots", "AUC (95 %)", "bots caught at 1 % of people (95 %)"],
        );
        for (index, _, scored) in &self.tested {
            table.row([self.sites[*index].name.clone()].into_iter().chain(cells(scored)));
        }
        let all = || self.tested.iter().map(|(_, _, scored)| scored);
        table.row([
            "mean".to_owned(),
            count(all().map(|scored| scored.people.len() as u64).sum()),
            count(all().map(|scored| scored.bots().len() as u64).sum()),
            format!("{:.3}", mean(all().filter_map(Scored::area).map(|area| area.value))),
            format!("{:.3}", mean(all().filter_map(Scored::caught).map(|caught| caught.value))),
        ]);
        table.end()
    }

    /// The table of each class of bots, against the people of their site.
    pub fn by_class(&self) -> String {
        let mut table = Table::new(
            "A site it never saw, by class of bot",
            "The same scores: the bots of one class against the people of their own site; means \
                over the sites that have the \
             class, with the least and the greatest.",
            &[
                "class (`why`)",
                "sites",
                "bots",
                "mean AUC (least – greatest)",
                "mean share caught at 1 % (least – greatest)",
            ],
        );
        let mut classes: BTreeMap<&str, Vec<(f64, f64, u64)>> = BTreeMap::new();
        for (_, _, scored) in &self.tested {
            for (class, bots) in &scored.classes {
                let found = auc(&scored.people, bots).zip(caught(&scored.people, bots));
                let row = found.map(|(area, caught)| (area, caught.value, bots.len() as u64));
                classes.entry(class).or_default().extend(row);
            }
        }
        for (class, rows) in classes {
            let spread = |of: fn(&(f64, f64, u64)) -> f64| {
                let values = || rows.iter().map(of);
                let (low, high) = (values().fold(1.0, f64::min), values().fold(0.0, f64::max));
                figure(Some(Interval { value: mean(values()), low, high }))
            };
            let bots = rows.iter().map(|row| row.2).sum();
            table.row([
                class.to_owned(),
                rows.len().to_string(),
                count(bots),
                spread(|row| row.0),
                spread(|row| row.1),
            ]);
        }
        table.end()
    }

    /// The table of models adapted to one half of a site's clients and judged on the other, both
    /// ways round.
    pub fn adapted(&self) -> Result<String> {
        let mut table = Table::new(
            "The same after adapting on half",
            "The model of the other sites, adapted (`kidoban train --base`) to one half of the \
                site's clients, whose labels and whose \
             traffic alone it learns from, and judged on the other half; then the other way round. \
             Mean of the two; the interval is \
             the mean of both intervals' ends, wider than that of a mean. *Before*: the same \
             clients by the model that was not \
             adapted, halves judged apart as well. A half that plainly loses \
             on itself keeps the model as it was, as the product does; *always adapted* is what \
             came of it otherwise, with every label believed.",
            &[
                "site",
                "people",
                "bots",
                "AUC before",
                "AUC (95 %)",
                "caught at 1 % before",
                "caught at 1 % of people (95 %)",
                "halves adapted",
                "AUC, always adapted",
                "caught, always adapted",
            ],
        );
        let mut means: [Vec<f64>; 6] = Default::default();
        for (index, scorer, before) in &self.tested {
            let site = &self.sites[*index];
            let base = Base::new(model_of("others", scorer, without_thresholds(self.scoring()))?)?;
            let (mut after, mut always, mut was, mut gained) =
                (Vec::new(), Vec::new(), Vec::new(), 0);
            for which in 0..2 {
                let Adapted { scored, always: forced, is_adapted } =
                    adapted_on_half(site, which, &base, self.options)?;
                gained += u32::from(is_adapted);
                after.push(scored);
                always.push(forced);
                was.push(part(site, before, 1 - which));
            }
            let figures = [
                both(&was, Scored::area),
                both(&after, Scored::area),
                both(&was, Scored::caught),
                both(&after, Scored::caught),
                both(&always, Scored::area),
                both(&always, Scored::caught),
            ];
            for (means, figure) in means.iter_mut().zip(&figures) {
                means.extend(figure.map(|figure| figure.value));
            }
            let short = |figure: Option<Interval>| {
                figure.map_or("–".to_owned(), |it| format!("{:.3}", it.value))
            };
            let number =
                |of: fn(&Scored) -> usize| count(after.iter().map(of).sum::<usize>() as u64);
            table.row([
                site.name.clone(),
                number(|scored| scored.people.len()),
                number(|scored| scored.bots().len()),
                short(figures[0]),
                figure(figures[1]),
                short(figures[2]),
                figure(figures[3]),
                format!("{gained} of 2"),
                short(figures[4]),
                short(figures[5]),
            ]);
        }
        let [was, now, caught_was, caught_now, always, caught_always] =
            means.map(|values| format!("{:.3}", mean(values)));
        let none = String::new;
        table.row([
            "mean".to_owned(),
            none(),
            none(),
            was,
            now,
            caught_was,
            caught_now,
            none(),
            always,
            caught_always,
        ]);
        Ok(table.end())
    }

    /// The table of people refused on a site that calibrates the thresholds but does not train.
    pub fn refused(&self) -> String {
        let mut table = Table::new(
            "People refused on a site it never saw",
            "The model of the other sites; one half of the site's people calibrates the \
                thresholds, the other half is counted, \
             and the other way round; both counts together.",
            &[
                "site",
                "people that calibrate",
                "limit refuses at most (95 %)",
                "people limited (95 %)",
                "bots limited (95 %)",
                "block threshold",
            ],
        );
        for (index, _, scored) in &self.tested {
            let site = &self.sites[*index];
            let (mut hurt, mut people, mut limited, mut bots) = (0, 0, 0, 0);
            let (mut bounds, mut blocks, mut calibrating) = (Vec::new(), Vec::new(), Vec::new());
            for which in 0..2 {
                let [known, other] = [part(site, scored, which), part(site, scored, 1 - which)];
                let thresholds = calibrated(&known.people, self.options.budgets, self.scoring());
                calibrating.push(known.people.len().to_string());
                let above = |scores: &[f32]| {
                    scores
                        .iter()
                        .filter(|&&score| {
                            thresholds.limit.margin.is_some_and(|limit| score >= limit)
                        })
                        .count() as u64
                };
                hurt += above(&other.people);
                people += other.people.len() as u64;
                limited += above(&other.bots());
                bots += other.bots().len() as u64;
                bounds.push(format!("{:.0} %", 100.0 * thresholds.limit.alpha));
                let evidence =
                    thresholds.block.evidence.split(':').next().unwrap_or_default().to_owned();
                blocks.push(if thresholds.block.margin.is_some() {
                    "there is one".to_owned()
                } else {
                    format!("refused: {evidence}")
                });
            }
            blocks.dedup();
            table.row([
                site.name.clone(),
                calibrating.join(" and "),
                bounds.join(" and "),
                format!("{hurt} of {people}: {}", percent(share(hurt, people))),
                percent(share(limited, bots)),
                blocks.join("; "),
            ]);
        }
        table.end()
    }
}

/// The scores of the clients in one half of the site.
fn part(site: &Site, scored: &Scored, which: usize) -> Scored {
    let of_half =
        scored.clients.iter().filter(|(client, _)| half_of(site.clients[*client].key) == which);
    Scored::of(site, of_half.copied())
}

/// Mean of the figures of both halves. Where one half has none, the figure of the other.
fn both(halves: &[Scored], of: fn(&Scored) -> Option<Interval>) -> Option<Interval> {
    let found: Vec<Interval> = halves.iter().filter_map(of).collect();
    (!found.is_empty()).then(|| Interval {
        value: mean(found.iter().map(|it| it.value)),
        low: mean(found.iter().map(|it| it.low)),
        high: mean(found.iter().map(|it| it.high)),
    })
}
