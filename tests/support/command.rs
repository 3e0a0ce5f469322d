//! The command as its user runs it: the one place where tests start the binary.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The binary under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_kidoban");

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Fails, and shows what was printed, unless it ended with this code.
    #[track_caller]
    pub fn assert(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }

    /// Fails where something stands on standard error.
    #[track_caller]
    pub fn assert_quiet(self) -> Self {
        assert!(self.stderr.is_empty(), "{}", self.stderr);
        self
    }

    /// What was printed, read as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// Standard output and then standard error.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Self { code: output.status.code(), stdout, stderr }
    }
}

/// The binary in a folder, to be given arguments and started: away from any terminal, and without
/// the variables by which whoever runs the tests may have changed what it prints.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).stdin(Stdio::null()).env_remove("NO_COLOR").env_remove("RUST_LOG");
    command
}

/// Runs it in a folder with these arguments, and waits for its end.
pub fn kidoban(folder: &Path, arguments: &[&str]) -> Ended {
    command(folder).args(arguments).output().unwrap().into()
}
