use detector::Features;

use super::hasty::IN_HASTE;
use super::*;

fn sample(client: usize, bad: bool, novelty: f32) -> Sample {
    let mut features = Features([1.0; COUNT]);
    features.0[detector::features::index_of("novelty").unwrap()] = novelty;
    Sample { site: 0, client, pages: 5, features, bad }
}

fn hosted() -> (Vec<Sample>, Rows) {
    let samples = vec![sample(0, false, 7.0), sample(1, true, 99.0), sample(2, false, 8.0)];
    let rows = DatasetBase::new(
        Array2::from_elem((3, COUNT), 1.0),
        Array1::from(vec![false, true, false]),
    )
    .with_weights(Array1::from(vec![3.0_f32, 10.0, 5.0]));
    (samples, rows)
}

#[test]
fn simulated_rows_weigh_a_tenth_of_people_or_bots_and_every_kind_the_same() {
    let augmentation = Augmentation::measured(1_000);
    let all: Vec<&SimulatedRow> = augmentation.rows.iter().collect();
    let mut of_kind: BTreeMap<(bool, &str, usize), f64> = BTreeMap::new();
    for (row, weight) in augmentation.rows.iter().zip(weights_of(&all, [0.8, 1.0])) {
        *of_kind.entry(row.key()).or_default() += f64::from(weight);
    }
    for kind in [("refresher", 1), ("flash_sale", 1), ("price_watcher", 1), ("carrier_nat", 1_000)]
    {
        assert!(
            of_kind.contains_key(&(false, kind.0, kind.1)),
            "no {kind:?} among {:?}",
            of_kind.keys()
        );
    }
    let people = of_kind.keys().filter(|key| !key.0).count();
    assert_eq!(of_kind.len() - people, IN_HASTE.len());
    let each = [0.8 / people as f64, 1.0 / IN_HASTE.len() as f64];
    assert!(
        of_kind.iter().all(|(key, weight)| (weight - each[usize::from(key.0)]).abs() < 1e-4),
        "{of_kind:?}"
    );

    let (samples, rows) = hosted();
    let joined = augmentation.join(rows, &mut vec![1, 2, 3], &samples, |_| true).unwrap();
    let (weights, targets) = (joined.weights().unwrap(), &joined.targets);
    assert_eq!(weights[..3], [3.0, 10.0, 5.0], "who was there weighs what he did");
    let weigh = |bad| {
        (3..weights.len()).filter(|&row| targets[row] == bad).map(|row| weights[row]).sum::<f32>()
    };
    assert!((weigh(false) - 0.8).abs() < 1e-3 && (weigh(true) - 1.0).abs() < 1e-3);
}

#[test]
fn simulated_clients_are_never_held_out_and_know_the_site_as_its_people_do() {
    let augmentation = Augmentation::measured(1_000);
    let (samples, rows) = hosted();
    let mut clients = vec![10, 11, 12];
    let novelty = index_of("novelty").unwrap();
    let missing = index_of("gap_median").unwrap();
    let joined =
        augmentation.join(rows, &mut clients, &samples, |feature| feature != missing).unwrap();
    let count = augmentation.rows.len();
    assert!(count > 1_000, "{count} rows");
    assert_eq!(
        (joined.records.nrows(), joined.targets.len(), clients.len()),
        (count + 3, count + 3, count + 3)
    );
    assert!(clients[3..].iter().all(|number| number % 5 != 0));
    let known: BTreeSet<u32> =
        joined.records.column(novelty).iter().skip(3).map(|value| *value as u32).collect();
    assert_eq!(known, BTreeSet::from([7, 8]), "of people, and not of the bot");
    assert!(joined.records.column(missing).iter().skip(3).all(|value| value.is_nan()));
}

#[test]
fn the_hasty_hurry_on_and_come_where_that_can_be_seen() {
    let augmentation = Augmentation::measured(1_000);
    // People prefetch a list in a fifth of a second, but are no hundred pages on a minute
    // later.
    let rate = |bad: bool| {
        let [rate, log_n] = ["rate_60s", "log_n"].map(|name| index_of(name).unwrap());
        let of = augmentation.rows.iter().filter(|row| row.bad == bad && row.kind.1 == 1);
        let late = of.filter(|row| row.features.0[log_n] > 100_f32.ln());
        let mut rates: Vec<f32> = late.map(|row| row.features.0[rate]).collect();
        rates.sort_by(f32::total_cmp);
        (rates[rates.len() / 20], rates[rates.len() * 19 / 20])
    };
    assert!(rate(true).0 > rate(false).1, "{:?} {:?}", rate(true), rate(false));

    let speed = index_of(SPEED).unwrap();
    let (samples, rows) = hosted();
    let joined =
        augmentation.join(rows, &mut vec![1, 2, 3], &samples, |feature| feature != speed).unwrap();
    let people = augmentation.rows.iter().filter(|row| !row.bad).count();
    assert_eq!(joined.records.nrows(), people + 3);
    assert!(joined.targets.iter().skip(3).all(|bad| !bad));
}

#[test]
fn without_people_nothing_is_added() {
    let (mut samples, rows) = hosted();
    samples.iter_mut().for_each(|sample| sample.bad = true);
    assert_eq!(
        Augmentation::measured(1)
            .join(rows, &mut vec![1, 2, 3], &samples, |_| true)
            .unwrap()
            .records
            .nrows(),
        3
    );
}

#[test]
fn rows_are_the_same_every_time_and_measured_in_the_logs_time_step() {
    let [one, again, seconds] = [1_000, 1_000, 1_000_000].map(Augmentation::measure);
    let bits = |augmentation: &Augmentation| -> Vec<Vec<u32>> {
        augmentation
            .rows
            .iter()
            .map(|row| row.features.0.iter().map(|value| value.to_bits()).collect())
            .collect()
    };
    assert!(bits(&one) == bits(&again));
    assert!(bits(&one) != bits(&seconds));
}
