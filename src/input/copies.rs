//! Finds logs that were given twice: the same file, or its content under another name, compressed
//! or not. A log that is the beginning of another one (a backup of the morning, say) is a copy too.
//!
//! Reads the first 64 KiB of each file, and whole files only where two begin alike.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use traffic::replay::Input;

/// So much of each file is compared first. Two logs of a busy second differ much earlier.
const HEAD_BYTES: u64 = 1 << 16;

/// A file to leave out.
pub struct Copy {
    /// Its place among the files.
    pub index: usize,
    /// The place of the file that has all of it.
    pub of: usize,
}

/// The files that are copies of others. `open` gives a file's content, decompressed.
///
/// # Errors
/// A file that cannot be opened or decompressed.
pub fn find(paths: &[PathBuf], open: impl Fn(&Path) -> Result<Input>) -> Result<Vec<Copy>> {
    // A pipe can be read only once, so it is no copy of anything.
    let files: Vec<usize> = (0..paths.len()).filter(|&index| paths[index].is_file()).collect();
    let cannot = |index: usize| format!("{}: cannot be read", paths[index].display());
    let mut copies: Vec<Copy> = Vec::new();
    let mut kept: Vec<(usize, Vec<u8>)> = Vec::new();
    if files.len() < 2 {
        return Ok(copies);
    }
    for index in files {
        let mut head = Vec::new();
        open(&paths[index])?
            .take(HEAD_BYTES)
            .read_to_end(&mut head)
            .with_context(|| cannot(index))?;
        if head.is_empty() {
            continue;
        }
        let mut is_copy = false;
        let mut place = 0;
        while let Some((of, known)) = kept.get(place) {
            let alike = head.len().min(known.len());
            if head[..alike] != known[..alike] {
                place += 1;
                continue;
            }
            let of = *of;
            match begins(open(&paths[index])?, open(&paths[of])?).with_context(|| cannot(index))? {
                Longer::Neither => place += 1,
                Longer::Second => {
                    copies.push(Copy { index, of });
                    is_copy = true;
                    break;
                }
                Longer::First => {
                    copies.push(Copy { index: of, of: index });
                    kept.remove(place);
                }
            }
        }
        if !is_copy {
            kept.push((index, head));
        }
    }
    Ok(copies)
}

/// Which of two contents has all of the other; the second where they are the same.
enum Longer {
    First,
    Second,
    Neither,
}

fn begins(mut first: Input, mut second: Input) -> io::Result<Longer> {
    let (mut one, mut other) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = [fill(&mut first, &mut one)?, fill(&mut second, &mut other)?];
        let alike = read[0].min(read[1]);
        if one[..alike] != other[..alike] {
            return Ok(Longer::Neither);
        }
        if read[0] < read[1] || read[0] < one.len() {
            return Ok(if read[0] <= read[1] { Longer::Second } else { Longer::First });
        }
        if read[1] < read[0] {
            return Ok(Longer::First);
        }
    }
}

/// Reads until the buffer is full or the content ends.
fn fill(input: &mut Input, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_log_has_in_whole_is_a_copy() {
        let input = |text: &[u8]| -> Input {
            traffic::log::decompress(std::io::BufReader::new(Box::new(io::Cursor::new(
                text.to_vec(),
            ))
                as Box<dyn Read + Send>))
        };
        let long = vec![b'a'; 200_000];
        let mut other = long.clone();
        other[150_000] = b'b';
        let check = |first: &[u8], second: &[u8], expect: &str| {
            let found = match begins(input(first), input(second)).unwrap() {
                Longer::First => "first",
                Longer::Second => "second",
                Longer::Neither => "neither",
            };
            assert_eq!(found, expect, "{} {}", first.len(), second.len());
        };
        check(&long, &long, "second");
        check(&long[..131_072], &long[..131_072], "second");
        check(&long[..99_999], &long, "second");
        check(&long, &long[..65_536], "first");
        check(&long, &other, "neither");
        check(b"x", b"xy", "second");
    }
}
