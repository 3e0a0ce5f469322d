//! Cuts a part of a line into its columns: words, quoted texts, and what is in brackets.

/// What stands around a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Quoted,
    Bracketed,
    Parenthesised,
}

impl Kind {
    pub(super) fn opening(self) -> &'static str {
        match self {
            Self::Word => "",
            Self::Quoted => "\"",
            Self::Bracketed => "[",
            Self::Parenthesised => "(",
        }
    }

    pub(super) fn closing(self) -> &'static str {
        match self {
            Self::Word => "",
            Self::Quoted => "\"",
            Self::Bracketed => "]",
            Self::Parenthesised => ")",
        }
    }
}

/// A column of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// What it holds, without what stands around it.
    pub(super) inner: &'a str,
    /// Whether the line ends before it is closed.
    pub(super) is_open: bool,
}

/// The columns of a text. A word that ends with a comma goes on: it is a list.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    while !rest.is_empty() {
        let kind = match rest.as_bytes()[0] {
            b'"' => Kind::Quoted,
            b'[' => Kind::Bracketed,
            b'(' => Kind::Parenthesised,
            _ => Kind::Word,
        };
        let end = |kind: Kind| match kind {
            Kind::Word => word_end(rest),
            Kind::Quoted => quote_end(rest),
            Kind::Bracketed => rest.find(']'),
            Kind::Parenthesised => rest.find(')'),
        };
        // Something may stick to what is closed, as a port to an IPv6 address: it is a word then.
        let sticks = |end: usize| rest.as_bytes().get(end + 1).is_some_and(|byte| *byte != b' ');
        let is_word = kind != Kind::Quoted && end(kind).is_some_and(sticks);
        let kind = if is_word { Kind::Word } else { kind };
        let (begin, end) = (kind.opening().len(), end(kind));
        let is_open = end.is_none();
        let end = end.unwrap_or(rest.len());
        found.push(Token { kind, inner: rest.get(begin..end).unwrap_or(""), is_open });
        let after = (end + kind.closing().len()).min(rest.len());
        rest = rest.get(after..).unwrap_or("").trim_start_matches(' ');
    }
    found
}

fn word_end(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let Some(space) = text[from..].find(' ') else { return Some(text.len()) };
        let end = from + space;
        if !text[..end].ends_with(',') {
            return Some(end);
        }
        from = end + 1;
    }
}

fn quote_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_spaces_but_not_within_quotes_and_lists() {
        let check = |text: &str, expect: &[&str]| {
            let found: Vec<_> = tokens(text).iter().map(|token| token.inner).collect();
            assert_eq!(found, expect, "{text}");
        };
        check("a  b", &["a", "b"]);
        check("192.0.2.7, 10.0.0.1 - -", &["192.0.2.7, 10.0.0.1", "-", "-"]);
        check(r#"200 "a \" b" [c d] (e, f)"#, &["200", r#"a \" b"#, "c d", "e, f"]);
        check("[::1]:80 [::1]", &["[::1]:80", "::1"]);
        check("a,", &["a,"]);
        check("\"open", &["open"]);
        check("", &[]);
        assert!(tokens("\"open")[0].is_open);
    }
}
