//! How a test says that it cannot run here.

use std::io::Write;
use std::path::Path;

/// Says why the test that runs cannot: something outside this repository is missing. It returns
/// then, and passes.
///
/// The reason is printed, and added with the test's name to `skipped-tests.txt` in the target
/// directory, which `make test` counts and shows at its end.
pub fn skip(reason: &str) {
    println!("skipped: {reason}");
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("skipped-tests.txt");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    // One write: other tests are adding theirs.
    file.write_all(format!("{name}\t{reason}\n").as_bytes()).unwrap();
}
