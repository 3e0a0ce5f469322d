//! Undoes gzip and zstd, which it recognises by the first bytes and not by the file's name.

use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};

use flate2::bufread::GzDecoder;

/// Size of the decoders' output buffer: large enough to keep them busy, small beside other memory.
const BUFFER_BYTES: usize = 128 * 1024;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A reader of the decompressed text. Gzip may have several members (as `cat a.gz b.gz` makes
/// them), zstd several frames. Anything else is passed through as it is.
///
/// The returned reader reports errors, such as a truncated file, after everything that could be
/// read.
pub fn decompress(mut reader: impl BufRead + Send + 'static) -> Box<dyn BufRead + Send> {
    let (head, error) = head(&mut reader);
    let all = Cursor::new(head.clone()).chain(FailFirst(error)).chain(reader);
    if head.starts_with(&GZIP_MAGIC) {
        return Box::new(BufReader::with_capacity(
            BUFFER_BYTES,
            Members { decoder: Some(GzDecoder::new(all)) },
        ));
    }
    if head.starts_with(&ZSTD_MAGIC) {
        return match zstd::Decoder::with_buffer(all) {
            Ok(decoder) => Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)),
            Err(error) => Box::new(FailFirst(Some(error))),
        };
    }
    Box::new(all)
}

/// The members of a gzip file, one after another. Zeros behind the last one are ignored, as gzip(1)
/// does: tapes and some stores fill a block with them.
struct Members<R> {
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut rest) = self.decoder.take().map(GzDecoder::into_inner) else { continue };
            loop {
                let bytes = rest.fill_buf()?;
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                if bytes.is_empty() {
                    return Ok(0);
                }
                if zeros == 0 {
                    break;
                }
                rest.consume(zeros);
            }
            self.decoder = Some(GzDecoder::new(rest));
        }
    }
}

/// The first four bytes, or fewer if there are no more. They are read one by one, because a pipe
/// may deliver them so.
fn head(reader: &mut impl Read) -> (Vec<u8>, Option<io::Error>) {
    let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
    let mut byte = [0];
    while head.len() < ZSTD_MAGIC.len() {
        match reader.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => head.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (head, Some(error)),
        }
    }
    (head, None)
}

/// A reader that returns a kept error once, and then the end.
struct FailFirst(Option<io::Error>);

impl Read for FailFirst {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

impl BufRead for FailFirst {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.take().map_or(Ok(&[]), Err)
    }

    fn consume(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        // One byte at a time, as the slowest pipe would deliver.
        let mut text = Vec::new();
        decompress(BufReader::with_capacity(1, Cursor::new(bytes))).read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn gzip_zstd_and_plain_text_come_out_as_text() {
        let check = |bytes: Vec<u8>, expect: &[u8]| assert_eq!(read(bytes).unwrap(), expect);
        check(gzip(b"one\n"), b"one\n");
        check([gzip(b"one\n"), gzip(b"two\n")].concat(), b"one\ntwo\n");
        check([gzip(b"one\n"), vec![0; 512]].concat(), b"one\n");
        check([gzip(b"one\n"), vec![0; 9], gzip(b"two\n")].concat(), b"one\ntwo\n");
        let zstd = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
        check(zstd(b"one\n"), b"one\n");
        check([zstd(b"one\n"), zstd(b"two\n")].concat(), b"one\ntwo\n");
        check(b"plain\n".to_vec(), b"plain\n");
        check(b"p".to_vec(), b"p");
        check(Vec::new(), b"");
    }

    #[test]
    fn a_truncated_file_is_an_error() {
        let text: Vec<u8> = (0..10_000_u32)
            .flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        for mut bytes in [gzip(&text), zstd::encode_all(&text[..], 1).unwrap()] {
            bytes.truncate(bytes.len() / 2);
            assert_eq!(read(bytes).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn an_error_at_the_very_beginning_is_not_lost() {
        let failing = FailFirst(Some(io::Error::other("disk on fire")));
        let error = decompress(failing).read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "disk on fire");
    }
}
