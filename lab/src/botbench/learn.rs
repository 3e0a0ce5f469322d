//! Trains the tested model and the learnt rules on the training traffic, as an operator would from
//! an access log.

use std::collections::HashMap;
use std::net::IpAddr;

use analysis::baseline::BaselineRequest;
use detector::model::{File, seal};
use detector::{Method, Model, Timestamp};
use traffic::log::{Record, RecordKind};
use traffic::replay::Traffic;
use traffic::sim::{SimRequest, labels, write_labels};
use trainer::label::{Label, Labels};
use trainer::progress::Stage;
use trainer::train::{Options, learn_profile, train};
use trainer::{SiteBuilder, TooMuchTraffic, TrainError};

use crate::baselines::{LearntRules, RuleLearner};

/// Time step of the log in µs: nginx's `$msec`.
const RESOLUTION_US: i64 = 1_000;

/// The trained model and rules.
pub(super) struct TrainedModel {
    pub model: Model,
    pub file: File,
    pub learnt: LearntRules,
    pub counts: TrainingCounts,
}

/// Size of the training traffic.
pub(super) struct TrainingCounts {
    pub requests: u64,
    pub people: u64,
    pub bots: u64,
}

/// Trains a model as `kidoban train LOG` does on a log without labels.
pub(super) fn learn_unlabelled(
    days: impl Iterator<Item = Vec<SimRequest>>,
    options: &Options,
) -> Result<File, TrainError> {
    let mut builder = SiteBuilder::default();
    for mut day in days {
        day.sort_by_key(SimRequest::completed_at);
        day.iter().try_for_each(|request| note(&mut builder, request))?;
    }
    let mut site = builder.finish("shop", RESOLUTION_US as u32, None)?;
    let mut options = Options { labels_are_checked: false, ..options.clone() };
    options.profile = Some(learn_profile(&mut site, &options)?);
    Ok(train(&[site], &options, |_| ())?.file)
}

/// Trains a model as `kidoban train LOG --labels CSV` does, on consecutive days. Trains the other
/// projects' rules on the same days.
pub(super) fn learn(
    days: impl ExactSizeIterator<Item = Vec<SimRequest>>,
    options: &Options,
    seed: u64,
    tell: &dyn Fn(Stage<'_>),
) -> Result<TrainedModel, TrainError> {
    let mut learner = RuleLearner::default();
    let mut numbers = ClientNumbers::default();
    let mut builder = SiteBuilder::default();
    let mut csv = b"client,label,why\n".to_vec();
    let (name, unit, of) = ("simulating days to train on", "days", days.len() as u64);
    for (done, mut day) in (1..).zip(days) {
        for request in &day {
            learner.note(&baseline_request(request, numbers.of(request)));
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
    let counts = TrainingCounts {
        requests: site.traffic.len(),
        people: site.count(Label::Human),
        bots: site.count(Label::Bad),
    };
    let mut options = options.clone();
    options.profile = Some(learn_profile(&mut site, &options)?);
    let file = train(&[site], &options, |stage| {
        tell(Stage { name: &format!("training, {}", stage.name), ..stage })
    })?
    .file;
    let model =
        Model::parse(&seal(&file).map_err(TrainError::Export)?).map_err(TrainError::Export)?;
    Ok(TrainedModel { model, file, learnt: learner.finish(seed), counts })
}

/// Logs a request as nginx would: when it was answered, to the millisecond.
fn note(builder: &mut SiteBuilder, request: &SimRequest) -> Result<(), TooMuchTraffic> {
    let at = request.completed_at().as_micros().div_euclid(RESOLUTION_US) * RESOLUTION_US;
    builder.note(&Record {
        kind: RecordKind::Whole,
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

/// Numbers addresses in order of appearance. All of one IPv6 /64 get one number, because the
/// detector takes them for one client.
#[derive(Default)]
pub(super) struct ClientNumbers(HashMap<detector::ClientKey, u32>);

impl ClientNumbers {
    pub fn of(&mut self, request: &SimRequest) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(key(request.client)).or_insert(next)
    }
}

fn key(address: IpAddr) -> detector::ClientKey {
    detector::ClientKey::from_ip(address)
}

/// The request as a rule sees it.
pub(super) fn baseline_request(request: &SimRequest, client: u32) -> BaselineRequest<'_> {
    BaselineRequest {
        client,
        at: request.at,
        method: Method::from_wire(request.method),
        target: &request.target,
        status: request.status,
        bytes: u64::from(request.bytes),
    }
}
