//! Turns sums into a [`Difference`]: which clients, reasons and paths change.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use detector::{Action, ClientKey, Reason};
use trainer::label::{Label, Labels};

use super::comparison::{ClientTally, Comparison, FirstDifference};
use super::difference::{
    ActionChange, Affected, ClientChange, Difference, FirstChange, JudgeSummary, PathChange,
    ReasonChange, VerdictWords,
};

/// The name of the kind of clients whose user agent says that they are good robots.
pub(super) const GOOD_ROBOTS: &str = "good robots by user agent";

impl Comparison {
    /// Computes what changes. `read` are the numbers of lines read and refused, `outcomes` the
    /// names of the conversions, `top` the longest a list may be.
    pub fn finish(
        self,
        sides: [JudgeSummary; 2],
        read: (u64, u64),
        outcomes: &[String],
        labels: Option<&Labels>,
        top: usize,
    ) -> Difference {
        let [before, after] = sides;
        let mut by_client = [[0; 3]; 3];
        let mut affected: Vec<Affected> = Vec::new();
        let kinds = outcomes.iter().cloned().chain([GOOD_ROBOTS.to_owned()]);
        affected.extend(kinds.map(|who| Affected { who, ..Affected::default() }));
        let labelled = affected.len();
        if labels.is_some() {
            affected.extend(
                Label::ALL.map(|label| Affected {
                    who: format!("labelled {label}"),
                    ..Affected::default()
                }),
            );
        }
        let mut changed: Vec<(ClientKey, &ClientTally, &FirstDifference)> = Vec::new();
        // Sorted, so that the examples do not depend on the order of the hash table.
        let mut clients: Vec<(&ClientKey, &ClientTally)> = self.clients.iter().collect();
        clients.sort_unstable_by_key(|(client, _)| **client);
        for (&client, tally) in clients {
            by_client[usize::from(tally.hardest[0])][usize::from(tally.hardest[1])] += 1;
            for kind in kinds_of(client, tally, outcomes.len(), labels, labelled) {
                affected[kind].take(client, tally);
            }
            changed.extend(tally.first.as_deref().map(|first| (client, tally, first)));
        }
        changed.sort_by_key(|(client, tally, _)| (Reverse(tally.harder + tally.softer), *client));
        let requests = self.by_request.as_flattened().iter().sum();
        let same: u64 = (0..3).map(|action| self.by_request[action][action]).sum();
        let client_change =
            |(client, tally, first): (ClientKey, &ClientTally, &FirstDifference)| ClientChange {
                client: client.to_string(),
                requests: tally.requests,
                harder: tally.harder,
                softer: tally.softer,
                known_as: kinds_of(client, tally, outcomes.len(), labels, labelled)
                    .into_iter()
                    .map(|kind| affected[kind].who.clone())
                    .collect(),
                first: FirstChange {
                    at: first.at,
                    number: first.number,
                    path: first.path.to_string(),
                    before: VerdictWords::of(&first.verdicts[0]),
                    after: VerdictWords::of(&first.verdicts[1]),
                },
            };
        let clients_changed = changed.len() as u64;
        let changed = changed.into_iter().take(top).map(client_change).collect();
        affected.retain(|kind| kind.clients > 0);
        Difference {
            before,
            after,
            lines: read.0,
            refused: read.1,
            requests,
            clients: self.clients.len() as u64,
            requests_changed: requests - same,
            clients_changed,
            by_request: cells(&self.by_request),
            by_client: cells(&by_client),
            reasons: reasons(&self.reasons),
            affected,
            paths: paths(self.paths, top),
            changed,
        }
    }
}

impl Affected {
    fn take(&mut self, client: ClientKey, tally: &ClientTally) {
        const EXAMPLES: usize = 5;
        self.clients += 1;
        self.stopped_before += u64::from(tally.hardest[0] > 0);
        self.stopped_after += u64::from(tally.hardest[1] > 0);
        self.softer += u64::from(tally.softer > tally.harder);
        if tally.harder > tally.softer {
            self.harder += 1;
            if self.examples.len() < EXAMPLES {
                self.examples.push(client.to_string());
            }
        }
    }
}

/// The kinds of a client, as indices into the list of kinds: conversions first, then good robots,
/// and labels from index `labelled` on.
fn kinds_of(
    client: ClientKey,
    tally: &ClientTally,
    outcomes: usize,
    labels: Option<&Labels>,
    labelled: usize,
) -> Vec<usize> {
    let mut kinds: Vec<usize> = (0..outcomes).filter(|&number| tally.reached.has(number)).collect();
    kinds.extend(tally.is_good_robot.then_some(outcomes));
    if let Some(label) = labels.and_then(|labels| labels.find(client)).map(|found| found.label) {
        kinds.extend(
            Label::ALL.iter().position(|known| *known == label).map(|place| labelled + place),
        );
    }
    kinds
}

fn cells(matrix: &[[u64; 3]; 3]) -> Vec<ActionChange> {
    let mut cells = Vec::new();
    for (before, row) in Action::ALL.into_iter().zip(matrix) {
        cells.extend(Action::ALL.into_iter().zip(row).map(|(after, &number)| ActionChange {
            before,
            after,
            number,
        }));
    }
    cells
}

fn reasons(reasons: &BTreeMap<[u8; 4], u64>) -> Vec<ReasonChange> {
    let name = |action: u8, reason: u8| {
        let (action, reason) = (Action::ALL[usize::from(action)], Reason::ALL[usize::from(reason)]);
        format!("{}/{}", action.as_str(), reason.as_str())
    };
    let row = |(&[before, first, after, second], &requests): (&[u8; 4], &u64)| ReasonChange {
        before: name(before, first),
        after: name(after, second),
        requests,
    };
    let mut rows: Vec<ReasonChange> = reasons.iter().map(row).collect();
    rows.sort_by_key(|row| Reverse(row.requests));
    rows
}

fn paths(groups: BTreeMap<usize, BTreeMap<Box<str>, [u64; 2]>>, top: usize) -> Vec<PathChange> {
    let mut sums: BTreeMap<Box<str>, [u64; 2]> = BTreeMap::new();
    for (path, [harder, softer]) in groups.into_values().flatten() {
        let sum = sums.entry(path).or_default();
        *sum = [sum[0] + harder, sum[1] + softer];
    }
    let row = |(path, [harder, softer]): (Box<str>, [u64; 2])| PathChange {
        path: path.into(),
        harder,
        softer,
    };
    let mut rows: Vec<PathChange> = sums.into_iter().map(row).collect();
    rows.sort_by_key(|row| Reverse(row.harder + row.softer));
    rows.truncate(top);
    rows
}
