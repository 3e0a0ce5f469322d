//! Decompression: gzip, zstd and plain text, whole and torn.

use std::io::{BufReader, Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use traffic::decompress;

/// A few bytes can become gigabytes; so many are read.
const BYTES_MAX: u64 = 1 << 22;

/// Data as if it were compressed, and the same data compressed here, torn at a place that its first
/// byte chooses.
pub fn decompression(data: &[u8]) {
    let (read, is_whole) = text_of(data.to_vec());
    let is_compressed =
        data.starts_with(&[0x1f, 0x8b]) || data.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    assert!(is_compressed || (is_whole && read == data), "plain text comes out as it is");
    assert_eq!(text_of(data.to_vec()), (read, is_whole), "the second time as the first");

    for packed in [gzip(data), zstd::encode_all(data, 1).expect("memory takes everything")] {
        assert_eq!(text_of(packed.clone()), (data.to_vec(), true));
        assert_eq!(text_of(packed.repeat(2)), (data.repeat(2), true), "`cat a.gz b.gz`");
        let at = usize::from(data.first().copied().unwrap_or_default()) * packed.len() / 256;
        let (read, _) = text_of(packed[..at].to_vec());
        // Less than a magic number is left of the shortest: that is plain text.
        assert!(at < 4 || data.starts_with(&read), "a torn file gives its beginning");
    }
}

/// What can be read, and whether it ended without an error.
fn text_of(bytes: Vec<u8>) -> (Vec<u8>, bool) {
    // A small buffer, so that whatever must be seen at once has to be put together first.
    let reader = decompress(BufReader::with_capacity(3, Cursor::new(bytes)));
    let mut text = Vec::new();
    let read = reader.take(BYTES_MAX).read_to_end(&mut text);
    (text, read.is_ok())
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("memory takes everything")
}
