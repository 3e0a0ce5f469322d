//! A file of bans for nginx's `geo`, and the command that has nginx read it.
//!
//! ```nginx
//! geo $kidoban_banned { default 0; include /var/lib/kidoban/banned.conf; }
//! ```
//!
//! nginx reads it when it is reloaded, so a ban comes some seconds late and ends some seconds late;
//! an `auth_request` or a firewall knows at once. The file is replaced as a whole: nginx never
//! reads half of it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use super::ledger::Banned;

/// The lines of the file.
pub fn render(bans: impl Iterator<Item = Banned>) -> String {
    bans.map(|ban| format!("{} 1;\n", ban.network)).collect()
}

/// Replaces the file.
///
/// # Errors
/// What the system says. The file is as it was then.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut unready = path.as_os_str().to_owned();
    unready.push(".unready");
    let written = (|| {
        let mut file = fs::File::create(&unready)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unready, path)
    })();
    if written.is_err() {
        // Nothing is lost if it is not there.
        let _ = fs::remove_file(&unready);
    }
    written
}

/// Runs a command, and says so if it fails.
pub(super) fn run(command: &[String]) {
    let Some((program, arguments)) = command.split_first() else { return };
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            tracing::error!(%program, status = %output.status, said = %said.trim(), "failed");
        }
        Err(error) => tracing::error!(%program, %error, "cannot be run"),
    }
}
