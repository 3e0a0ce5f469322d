//! The worth of each feature on a site that the model has not seen.

use anyhow::{Result, anyhow};
use detector::features::{FEATURES, Family, Role};
use trainer::protocol::{FeatureMask, Scored, Strangers, carried};
use trainer::{Site, TrainError};

use crate::parallel::on_all_cores;
use crate::table::{Table, mean};

/// The table; at most `most` choices of features are tried.
pub fn table(sites: &[Site], strangers: &Strangers<'_>, most: usize) -> Result<String> {
    let mut table = Table::new(
        "What each feature is worth on a site it never saw",
        "Means over the left-out sites above: of the model as it is told (the *carried* features), \
            without each of them in turn, \
         and with each *local* feature in turn. Those of the site profile are missing without one \
         and not tried.",
        &["told", "mean AUC", "change", "mean share caught at 1 %", "change"],
    );
    let mut tried: Vec<(String, FeatureMask)> = vec![("carried".to_owned(), carried())];
    let toggled = |index: usize| {
        let mut told = carried();
        told[index] = !told[index];
        told
    };
    for role in [Role::Carried, Role::Local] {
        let sign = if role == Role::Carried { '−' } else { '+' };
        let of_role = FEATURES
            .iter()
            .enumerate()
            .filter(|(_, it)| it.role == role && it.family != Family::Site);
        tried.extend(of_role.map(|(index, it)| (format!("{sign} `{}`", it.name), toggled(index))));
    }
    tried.truncate(most);
    let tested: Vec<usize> = (0..sites.len()).filter(|&site| strangers.is_tested(site)).collect();
    let of_told = |told: &FeatureMask| -> Result<[f64; 2], TrainError> {
        let score = |&site: &usize| Ok(strangers.score(site, &strangers.fit(site, told)?));
        let scored = tested.iter().map(score).collect::<Result<Vec<Scored>, TrainError>>()?;
        Ok([Scored::area, Scored::caught]
            .map(|of| mean(scored.iter().filter_map(of).map(|it| it.value))))
    };
    let found = on_all_cores(&tried, |(_, told)| of_told(told))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let [area_before, caught_before] =
        *found.first().ok_or_else(|| anyhow!("nothing was tried"))?;
    for (index, ((name, _), [area, caught])) in tried.iter().zip(&found).enumerate() {
        let change = |now: f64, before: f64| {
            if index == 0 { String::new() } else { format!("{:+.3}", now - before) }
        };
        table.row([
            name.clone(),
            format!("{area:.3}"),
            change(*area, area_before),
            format!("{caught:.3}"),
            change(*caught, caught_before),
        ]);
    }
    Ok(table.end())
}
