use detector::{Action, Class, ClientKey, Reason, Timestamp, Verdict};
use trainer::label::Labels;

use super::comparison::PATHS_MAX;
use super::finish::GOOD_ROBOTS;
use super::path_shape::path_shape;
use super::*;
use crate::explain::ScoreThresholds;

fn verdict(action: Action, reason: Reason) -> Verdict {
    let at = Timestamp::from_secs(1);
    Verdict {
        action,
        reason,
        score: None,
        retry_after_s: 0,
        at,
        seq: 1,
        class: Class::Page,
        because: Default::default(),
    }
}

fn side() -> JudgeSummary {
    let thresholds = ScoreThresholds { limit: None, block: None, cohort: None, min_pages: 5 };
    JudgeSummary {
        name: "x".to_owned(),
        model: String::new(),
        model_sha256: String::new(),
        thresholds,
    }
}

#[test]
fn sums_are_right_and_the_same_in_parts() {
    let (allow, limit, block) = (
        verdict(Action::Allow, Reason::Usual),
        verdict(Action::Limit, Reason::Limited),
        verdict(Action::Block, Reason::Score),
    );
    let client = |number: u8| ClientKey::from_text(&format!("192.0.2.{number}"));
    let requests = [
        (1, "/p/1", [allow, allow]),
        (1, "/p/2", [allow, limit]),
        (1, "/p/3", [allow, block]),
        (2, "/cart", [limit, allow]),
        (3, "/", [allow, allow]),
    ];
    let mut one = Comparison::default();
    let mut parts = [Comparison::default(), Comparison::default()];
    for (number, path, verdicts) in requests {
        one.note(client(number), usize::from(number), path_shape(path), number == 3, verdicts);
        let part = &mut parts[usize::from(number % 2)];
        part.note(client(number), usize::from(number), path_shape(path), number == 3, verdicts);
    }
    let labels = Labels::parse("l", "client,label\n192.0.2.1,human\n192.0.2.2,bad\n").unwrap();
    let [even, odd] = parts;
    let finish =
        |comparison: Comparison| comparison.finish([side(), side()], (5, 0), &[], Some(&labels), 9);
    let (difference, again) = (finish(one), finish(odd.join(even)));
    assert_eq!(serde_json::to_string(&difference).unwrap(), serde_json::to_string(&again).unwrap());
    assert_eq!(
        (difference.requests, difference.requests_changed, difference.clients_changed),
        (5, 3, 2)
    );
    let number = |cells: &[ActionChange], before, after| {
        cells.iter().find(|cell| (cell.before, cell.after) == (before, after)).unwrap().number
    };
    assert_eq!(number(&difference.by_request, Action::Allow, Action::Allow), 2);
    assert_eq!(number(&difference.by_client, Action::Allow, Action::Block), 1);
    assert_eq!(number(&difference.by_client, Action::Limit, Action::Allow), 1);
    assert_eq!(difference.paths[0], PathChange { path: "/p/#".to_owned(), harder: 2, softer: 0 });
    let human = difference.affected.iter().find(|kind| kind.who == "labelled human").unwrap();
    assert_eq!(
        (human.clients, human.harder, human.stopped_before, human.stopped_after),
        (1, 1, 0, 1)
    );
    assert_eq!(human.examples, ["192.0.2.1"]);
    let robots = difference.affected.iter().find(|kind| kind.who == GOOD_ROBOTS).unwrap();
    assert_eq!((robots.clients, robots.harder), (1, 0));
    assert_eq!(difference.changed[0].first.number, 2);
    assert_eq!(difference.changed[0].known_as, ["labelled human"]);
}

#[test]
fn a_client_that_makes_up_paths_does_not_fill_the_memory() {
    let mut comparison = Comparison::default();
    let verdicts = [verdict(Action::Allow, Reason::Usual), verdict(Action::Limit, Reason::Limited)];
    for number in 0..10_000_u32 {
        let path: String =
            number.to_string().chars().map(|digit| (digit as u8 - b'0' + b'a') as char).collect();
        comparison.note(
            ClientKey::from_text("192.0.2.1"),
            3,
            path_shape(&format!("/{path}")),
            false,
            verdicts,
        );
    }
    assert_eq!(comparison.paths[&3].len(), PATHS_MAX + 1);
    let difference = comparison.finish([side(), side()], (0, 0), &[], None, 3);
    assert_eq!(
        (difference.paths[0].path.as_str(), difference.paths[0].harder),
        (OTHER_PATHS, 9_500)
    );
}
