//! Reads logs, labels files and models. Every command gets these files from here.

mod copies;
mod logs;
mod memory;
mod parked;
mod window;

use std::path::Path;

use anyhow::{Context, Result};
use detector::{ClientKey, Model};
use trainer::Labels;

pub use logs::Logs;
pub use window::{LogWindow, WindowSites};

/// The model that is built into the binary.
pub const SHIPPED_MODEL: &[u8] = include_bytes!("../models/default.json");

/// Warns if a client is not named by an address: some logs have names there, but it may be a typing
/// error.
pub fn warn_of_name(client: &str) {
    let is_address = ClientKey::from_text(client).ip().is_some();
    if !is_address && !client.starts_with('#') {
        let client = crate::output::safe(client, 60);
        eprintln!(
            "warning: {client:?} is no address: that is right only where the log has names in its \
                client field"
        );
    }
}

/// Reads a labels file.
///
/// # Errors
/// A file that cannot be read, or its first bad line.
pub fn read_labels(path: &Path) -> Result<Labels> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("{name}: cannot be read"))?;
    Ok(Labels::parse(&name, &text)?)
}

/// Reads and checks a model. Without a path it is the shipped one.
///
/// # Errors
/// A file that cannot be read, or the reason why it is refused.
pub fn read_model(path: Option<&Path>) -> Result<Model> {
    match path {
        None => Model::parse(SHIPPED_MODEL)
            .context("the shipped model is refused: this build is broken"),
        Some(path) => {
            let bytes = std::fs::read(path)
                .with_context(|| format!("{}: cannot be read", path.display()))?;
            Model::parse(&bytes)
                .with_context(|| format!("{}: the model is refused", path.display()))
        }
    }
}
