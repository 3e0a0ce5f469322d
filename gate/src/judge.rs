//! Reads the model that a configuration names and makes the judge of it, or says why it cannot.

use std::io::Read;
use std::path::{Path, PathBuf};

use detector::{AllowList, Judge, Mode, Model, ModelError, Policy};

use crate::config::{Config, ModelSource, Place};

/// A model of a thousand trees has 5 MB. Whatever is ten times that is another file.
const MODEL_BYTES_MAX: u64 = 64 << 20;

/// Why a model and policy cannot judge.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The model's file cannot be read.
    #[error("{}: cannot read the model: {problem}. Check the path and who may read \
        it.", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// The model's file is not a sound model.
    #[error("{}: this model is refused: {problem}", path.display())]
    Model {
        /// Which file, or `(built in)`.
        path: PathBuf,
        /// What is wrong with it.
        problem: ModelError,
    },
    /// The model failed its gates and is to refuse people.
    #[error(
        "{}: this model is not armed. {state}. Until then run it with --mode shadow; --force \
            overrules this.",
        path.display()
    )]
    Unarmed {
        /// Which file, or `(built in)`.
        path: PathBuf,
        /// What it failed, by how much, and what to do.
        state: String,
    },
    /// The policy does not fit the model.
    #[error(
        "{place}: [policy] does not fit the model: {problem}. Change it, or remove the key to use \
            the model's own."
    )]
    Policy {
        /// Where the policy is written.
        place: Place,
        /// Which key, and why.
        problem: detector::PolicyError,
    },
}

/// Reads the model that a configuration names; `None` when it names none and none is built in.
///
/// # Errors
/// When the model cannot be read or is not sound.
pub fn model(config: &Config) -> Result<Option<Model>, JudgeError> {
    Ok(match config.model_source() {
        ModelSource::None => None,
        ModelSource::File(path) => Some(parse(path, &read(path)?)?),
        ModelSource::BuiltIn(bytes) => Some(parse(Path::new("(built in)"), bytes)?),
    })
}

/// Reads the model that a configuration names and joins it with its policy and allow list.
///
/// # Errors
/// When the model cannot be read or is not sound, or the policy does not fit it.
pub fn judge(config: &Config) -> Result<Judge, JudgeError> {
    let model = model(config)?;
    let misfit = |problem: detector::PolicyError| JudgeError::Policy {
        place: config.policy_place(problem.key),
        problem,
    };
    let policy = Policy::new(config.policy().clone(), model.as_ref()).map_err(misfit)?;
    let (networks, paths) = config.allowed();
    let allow = AllowList::new(networks.to_vec(), paths.to_vec());
    Ok(Judge { model, policy, allow })
}

/// Refuses to enforce with a model that failed its gates, unless forced, which is logged.
///
/// # Errors
/// [`JudgeError::Unarmed`].
pub fn refuse_unarmed(config: &Config, model: Option<&Model>) -> Result<(), JudgeError> {
    let Some(model) =
        model.filter(|model| config.mode() == Mode::Enforce && !model.readiness().is_armed())
    else {
        return Ok(());
    };
    let state = model.readiness().to_string();
    if config.is_forced() {
        tracing::warn!(model = model.file().name, %state, "this model is not armed and enforces by \
            force");
        return Ok(());
    }
    let path = config.model_path().unwrap_or(Path::new("(built in)")).to_path_buf();
    Err(JudgeError::Unarmed { path, state })
}

fn read(path: &Path) -> Result<Vec<u8>, JudgeError> {
    let unreadable = |problem| JudgeError::Unreadable { path: path.to_path_buf(), problem };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MODEL_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MODEL_BYTES_MAX {
        return Err(unreadable(std::io::Error::other("it is larger than 64 MiB")));
    }
    Ok(bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Model, JudgeError> {
    Model::parse(bytes).map_err(|problem| JudgeError::Model { path: path.to_path_buf(), problem })
}
