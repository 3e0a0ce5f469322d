//! Cuts parts out of a log line for a message, and escapes what a terminal would act on.

/// Enough characters to find a line again, and few enough for one line of a terminal.
const EXCERPT_CHARS_MAX: usize = 120;

/// The beginning of a line: at most 120 characters, escaped as [`escaped`] does.
pub(super) fn excerpt(line: &[u8]) -> String {
    escaped(line, EXCERPT_CHARS_MAX)
}

/// At most `chars_max` characters of a text, with control characters escaped.
pub(super) fn escaped(text: &[u8], chars_max: usize) -> String {
    // A character has at most four bytes, so this is enough. A long line is never decoded whole.
    let head = &text[..text.len().min(chars_max * 4)];
    let mut escaped = String::new();
    let mut chars = 0;
    for char in String::from_utf8_lossy(head).chars() {
        // Terminals act on control characters. Marks of text direction can make a line read as a
        // different one.
        let needs_escape =
            char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let length = if needs_escape { char.escape_default().count() } else { 1 };
        if chars + length > chars_max {
            break;
        }
        chars += length;
        if needs_escape {
            escaped.extend(char.escape_default());
        } else {
            escaped.push(char);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        let check = |line: &[u8], expect: &str| assert_eq!(excerpt(line), expect);
        check(b"a\x1b[31m\tb", r"a\u{1b}[31m\tb");
        check(b"\xff\"\\", "\u{fffd}\"\\");
        check("\u{202e}".as_bytes(), r"\u{202e}");
        check(&[b'x'; 500], &"x".repeat(120));
        assert!(excerpt(&[7; 500]).chars().count() <= 120);
        check("ü".repeat(500).as_bytes(), &"ü".repeat(120));
    }
}
