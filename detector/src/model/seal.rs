//! The seal of a model file: its last member is the SHA-256 digest of every byte before it.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::error::ModelError;
use super::file::File;

/// A larger model file is refused before it is parsed: 64 MiB. A hundred trees take 200 KB.
pub(super) const BYTES_MAX: usize = 64 << 20;

const SEAL_START: &str = ",\n\"sha256\":\"";
const SEAL_END: &str = "\"\n}\n";
const SEAL_LENGTH: usize = SEAL_START.len() + 64 + SEAL_END.len();

/// The bytes of a model file, sealed.
///
/// # Errors
/// [`ModelError::Shape`] when a number cannot be written as JSON.
pub fn seal(file: &File) -> Result<Vec<u8>, ModelError> {
    let mut text = String::from("{\n");
    // One member per line, so that a diff of two models can be read.
    let mut member = |name: &str, json: serde_json::Result<String>| {
        let json = json.map_err(|error| ModelError::Shape(error.to_string()))?;
        let comma = if text.len() == 2 { "" } else { ",\n" };
        text.push_str(&format!("{comma}\"{name}\":{json}"));
        Ok::<_, ModelError>(())
    };
    member("format", serde_json::to_string(&file.format))?;
    member("name", serde_json::to_string(&file.name))?;
    member("product", serde_json::to_string(&file.product))?;
    member("card", serde_json::to_string(&file.card))?;
    member("readiness", serde_json::to_string(&file.readiness))?;
    member("thresholds", serde_json::to_string(&file.thresholds))?;
    member("calibration", serde_json::to_string(&file.calibration))?;
    member("resolution_us", serde_json::to_string(&file.resolution_us))?;
    member("features", serde_json::to_string(&file.features))?;
    member("definition", serde_json::to_string(&file.definition))?;
    member("scorer", serde_json::to_string(&file.scorer))?;
    member("drift", serde_json::to_string(&file.drift))?;
    member("site", serde_json::to_string(&file.site))?;
    member("golden", serde_json::to_string(&file.golden))?;
    append_seal(&mut text);
    Ok(text.into_bytes())
}

/// Ends a JSON object, written without its closing brace, with the seal.
pub fn append_seal(text: &mut String) {
    let digest = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    text.push_str(&format!("{SEAL_START}{digest}{SEAL_END}"));
}

/// Splits a sealed file into its content and its digest, and checks that they fit. The content is
/// a JSON object without its closing brace.
///
/// # Errors
/// [`ModelError::Seal`] when the file is too large or too short, or the digest does not fit.
pub fn unseal(bytes: &[u8], bytes_max: usize) -> Result<(&[u8], &str), ModelError> {
    let wrong = |what: &str| Err(ModelError::Seal(what.to_owned()));
    if bytes.len() > bytes_max {
        return Err(ModelError::Seal(format!("it is larger than {} MiB", bytes_max >> 20)));
    }
    let Some(split) = bytes.len().checked_sub(SEAL_LENGTH) else {
        return wrong("it is too short to be a model");
    };
    let (content, seal) = bytes.split_at(split);
    let digest = std::str::from_utf8(seal)
        .ok()
        .and_then(|seal| seal.strip_prefix(SEAL_START)?.strip_suffix(SEAL_END))
        .ok_or_else(|| ModelError::Seal("it does not end in its sha256".to_owned()))?;
    if HEXLOWER.encode(&Sha256::digest(content)) != digest {
        return wrong("its sha256 does not fit its content");
    }
    Ok((content, digest))
}
