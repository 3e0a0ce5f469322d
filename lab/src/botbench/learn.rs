//! From the traffic of the training seeds to the model that is tested and the rules that are
//! learnt: as an operator has them, from his access log.

use std::collections::HashMap;
use std::net::IpAddr;

use analysis::baseline::Asked;
use detector::model::{File, seal};
use detector::{Method, Model, Timestamp};
use traffic::log::{Kind, Record};
use traffic::replay::Traffic;
use traffic::sim::{SimRequest, labels, write_labels};
use trainer::{SiteBuilder, TooMuchTraffic, TrainError};
use trainer::label::{Label, Labels};
use trainer::progress::Stage;
use trainer::train::{Options, remember, train};

use crate::baselines::{Learner, Learnt};

/// Time step of the log: nginx's `$msec`.
const RESOLUTION_US: i64 = 1_000;

/// What was learnt.
pub(super) struct Learned {
    pub model: Model,
    pub file: File,
    pub learnt: Learnt,
    pub counts: Counts,
}

/// What it was learnt from.
pub(super) struct Counts {
    pub requests: u64,
    pub people: u64,
    pub bots: u64,
}

/// Trains as `kidoban train LOG --labels CSV` does, on days that follow one another; and has the
/// peers' rules learn from the same.
pub(super) fn learn(
    days: impl ExactSizeIterator<Item = Vec<SimRequest>>,
    options: &Options,
    seed: u64,
    tell: &dyn Fn(Stage<'_>),
) -> Result<Learned, TrainError> {
    let mut learner = Learner::default();
    let mut numbers = Numbers::default();
    let mut builder = SiteBuilder::default();
    let mut csv = b"client,label,why\n".to_vec();
    let (name, unit, of) = ("simulating days to train on", "days", days.len() as u64);
    for (done, mut day) in (1..).zip(days) {
        for request in &day {
            learner.note(&asked(request, numbers.of(request)));
        }
        let mut rows = Vec::new();
        // Writing into memory does not fail.
        write_labels(&labels(&day), &mut rows).map_err(TrainError::Write)?;
        csv.extend(rows.split_inclusive(|&byte| byte == b'\n').skip(1).flatten());
        day.sort_by_key(SimRequest::completed_at);
        day.iter().try_for_each(|request| note(&mut builder, request))?;
        tell(Stage { name, done, of, unit });
    }
    let labels = Labels::parse("the simulation's labels", &String::from_utf8_lossy(&csv));
    let labels = labels.map_err(|error| TrainError::Fit(error.to_string()))?;
    let mut site = builder.finish("benchmark", RESOLUTION_US as u32, Some(&labels))?;
    let counts = Counts {
        requests: site.traffic.len(),
        people: site.count(Label::Human),
        bots: site.count(Label::Bad),
    };
    let mut options = options.clone();
    options.memory = Some(remember(&mut site, &options)?);
    let file = train(&[site], &options, |stage| {
        tell(Stage { name: &format!("training, {}", stage.name), ..stage })
    })?
    .file;
    let model =
        Model::parse(&seal(&file).map_err(TrainError::Export)?).map_err(TrainError::Export)?;
    Ok(Learned { model, file, learnt: learner.finish(seed), counts })
}

/// A request as nginx would log it: when it was answered, to the millisecond.
fn note(builder: &mut SiteBuilder, request: &SimRequest) -> Result<(), TooMuchTraffic> {
    let at = request.completed_at().as_micros().div_euclid(RESOLUTION_US) * RESOLUTION_US;
    builder.note(&Record {
        kind: Kind::Whole,
        at: Timestamp::from_micros(at),
        client: &request.client.to_string(),
        method: request.method,
        target: &request.target,
        status: request.status,
        bytes: Some(u64::from(request.bytes)),
        duration_us: Some(u64::from(request.took_us)),
        referer: request.referer.as_deref(),
        user_agent: Some(request.user_agent),
        ..Record::default()
    })
}

/// Addresses by number, in order of appearance; those of one IPv6 /64 are one, as they are to the
/// detector.
#[derive(Default)]
pub(super) struct Numbers(HashMap<detector::ClientKey, u32>);

impl Numbers {
    pub fn of(&mut self, request: &SimRequest) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(key(request.client)).or_insert(next)
    }
}

fn key(address: IpAddr) -> detector::ClientKey {
    detector::ClientKey::from_ip(address)
}

/// What a rule sees of it.
pub(super) fn asked(request: &SimRequest, client: u32) -> Asked<'_> {
    Asked {
        client,
        at: request.at,
        method: Method::from_wire(request.method),
        target: &request.target,
        status: request.status,
        bytes: u64::from(request.bytes),
    }
}
