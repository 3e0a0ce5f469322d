//! The file of `tune --proof`: whom the tuning of one model has counted.
//!
//! JSON, sealed as a model is ([`detector::model::unseal`]): versioned, with the model's digest in
//! it, and its last member is the SHA-256 of every byte before. One client a row: hash, label,
//! number of the label's reason, whether it may have trained the model, when its first visit began,
//! and highest scores in log-odds: of that visit, of later ones, and of the cohorts that it met.
//!
//! The hashes keep addresses out of sight and no more: whoever has the file can try every IPv4
//! address. Keep it as you keep a log.

use std::collections::BTreeSet;

use detector::model::{append_seal, unseal};
use detector::{Model, Timestamp};
use serde::{Deserialize, Serialize};
use trainer::label::Label;
use trainer::visits::VisitScores;

use super::counted::{ClientHash, CountedClient, CountedClients};

/// Version of the format.
const FORMAT: u32 = 1;
/// A larger file is neither written nor read: 1 GiB, which holds some eight million clients.
const BYTES_MAX: usize = 1 << 30;

/// Hash, label, reason, may have trained; when the first visit began and its score as the first and
/// as a later one; the score of later visits; that of a cohort.
type Row = (String, String, u32, bool, i64, [Option<f32>; 2], Option<f32>, Option<f32>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    format: u32,
    model: String,
    model_sha256: String,
    min_pages: u32,
    labels_are_given: bool,
    spans_us: Vec<[i64; 2]>,
    reasons: Vec<String>,
    clients: Vec<Row>,
}

/// Why a proof is not used.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ProofError {
    /// It was changed, cut, or is something else.
    #[error(
        "this is no proof as tune leaves it ({0}): restore it, or name a new file and give all \
            logs of this model again"
    )]
    Broken(String),
    /// It belongs to another model.
    #[error(
        "it counts the people of another model ({theirs}, sha256 {their_sha256}…) than {ours} \
            (sha256 {our_sha256}…), whose scores they say nothing about: name a new file for this \
            model, and give the logs from after its training again"
    )]
    OtherModel {
        /// Its model's name.
        theirs: String,
        /// The start of its model's digest.
        their_sha256: String,
        /// The name of the model that is tuned.
        ours: String,
        /// The start of its digest.
        our_sha256: String,
    },
    /// Its clients were judged from another page on.
    #[error(
        "its people were judged from {theirs} pages on, and now it is {ours}: set min_pages = \
            {theirs}, or name a new file and give all logs again"
    )]
    OtherPages {
        /// Page requests from which its clients were judged.
        theirs: u32,
        /// Page requests from which clients are judged now.
        ours: u32,
    },
    /// People were decided in another way.
    #[error(
        "its people are known {theirs}, and now it is {ours}: a sample has one rule; go on as \
            before, or name a new file and give all logs again"
    )]
    OtherLabels {
        /// How they were known.
        theirs: &'static str,
        /// How they are known now.
        ours: &'static str,
    },
}

impl CountedClients {
    /// The file's bytes. The same clients give the same bytes.
    ///
    /// # Errors
    /// [`ProofError::Broken`] when it grew larger than can be read again.
    pub fn to_file(&self) -> Result<Vec<u8>, ProofError> {
        let reasons: BTreeSet<&str> =
            self.clients.values().map(|client| client.why.as_str()).collect();
        let reasons: Vec<String> = reasons.into_iter().map(str::to_owned).collect();
        let number = |why: &str| {
            reasons.binary_search_by(|known| known.as_str().cmp(why)).unwrap_or(0) as u32
        };
        let clients = self.clients.iter().map(|(hash, client)| {
            (
                format!("{:032x}", hash.0),
                client.label.to_string(),
                number(&client.why),
                client.may_have_trained,
                client.first.first_at.as_micros(),
                [client.first.as_first, client.first.as_later],
                client.later,
                client.met,
            )
        });
        let clients = clients.collect();
        let file = ProofFile {
            format: FORMAT,
            model: self.model.clone(),
            model_sha256: self.model_sha256.clone(),
            min_pages: self.min_pages,
            labels_are_given: self.labels_are_given,
            spans_us: self.spans_us.clone(),
            reasons,
            clients,
        };
        let broken = |error: String| ProofError::Broken(error);
        let mut text = serde_json::to_string(&file).map_err(|error| broken(error.to_string()))?;
        // The seal is the last member of the object.
        text.truncate(text.len() - 1);
        append_seal(&mut text);
        let bytes = text.into_bytes();
        unseal(&bytes, BYTES_MAX).map_err(|error| broken(error.to_string()))?;
        Ok(bytes)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`ProofError::Broken`].
    pub fn of_file(bytes: &[u8]) -> Result<Self, ProofError> {
        let broken = |what: &dyn std::fmt::Display| ProofError::Broken(what.to_string());
        let (content, _) = unseal(bytes, BYTES_MAX).map_err(|error| broken(&error))?;
        let content = [content, b"}"].concat();
        let file: ProofFile = serde_json::from_slice(&content).map_err(|error| broken(&error))?;
        if file.format != FORMAT {
            return Err(broken(&format!("format {}, this version reads {FORMAT}", file.format)));
        }
        let clients = file.clients.into_iter().map(|row| {
            let (hash, label, reason, may_have_trained, first_us, first, later, met) = row;
            let hash = u128::from_str_radix(&hash, 16).ok()?;
            let label = Label::ALL.into_iter().find(|known| known.as_str() == label)?;
            let why = file.reasons.get(reason as usize)?.clone();
            let first = VisitScores {
                first_at: Timestamp::from_micros(first_us),
                as_first: first[0],
                as_later: first[1],
            };
            let client = CountedClient { label, why, may_have_trained, first, later, met };
            Some((ClientHash(hash), client))
        });
        Ok(Self {
            clients: clients
                .collect::<Option<_>>()
                .ok_or_else(|| broken(&"a client is not as it should be"))?,
            model: file.model,
            model_sha256: file.model_sha256,
            min_pages: file.min_pages,
            labels_are_given: file.labels_are_given,
            spans_us: file.spans_us,
        })
    }

    /// Whether further logs can be added for this model, judged from so many pages on, with
    /// clients labelled so.
    pub(super) fn check(
        &self,
        model: &Model,
        min_pages: u32,
        labels_are_given: bool,
    ) -> Result<(), ProofError> {
        let short = |sha256: &str| sha256.chars().take(12).collect::<String>();
        if self.model_sha256 != model.sha256() {
            return Err(ProofError::OtherModel {
                theirs: self.model.clone(),
                their_sha256: short(&self.model_sha256),
                ours: model.file().name.clone(),
                our_sha256: short(model.sha256()),
            });
        }
        if self.min_pages != min_pages {
            return Err(ProofError::OtherPages { theirs: self.min_pages, ours: min_pages });
        }
        if self.labels_are_given != labels_are_given {
            let how = |given: bool| {
                if given { "by a labels file (--labels)" } else { "by weak rules and outcomes" }
            };
            return Err(ProofError::OtherLabels {
                theirs: how(self.labels_are_given),
                ours: how(labels_are_given),
            });
        }
        Ok(())
    }
}
