//! What a response's `Content-Type` says of a target: whether it is a document or a part of one.

/// What an answer was, by its `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// A picture, a font, a style, a script, sound or film.
    Asset,
    /// HTML.
    Document,
}

impl ContentKind {
    /// What this header says. `None` for data that may be either: JSON is what a person's click
    /// asks an API for, and what a page loads by itself.
    pub fn of(content_type: &str) -> Option<Self> {
        let name = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let (kind, subtype) = name.split_once('/')?;
        match (kind, subtype) {
            ("image" | "font" | "audio" | "video", _)
            | ("text", "css" | "javascript" | "ecmascript")
            | (
                "application",
                "javascript" | "x-javascript" | "ecmascript" | "wasm" | "vnd.ms-fontobject",
            ) => Some(Self::Asset),
            ("application", font) if font.starts_with("font-") || font.starts_with("x-font-") => {
                Some(Self::Asset)
            }
            ("text", "html") | ("application", "xhtml+xml") => Some(Self::Document),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_tells_documents_from_their_parts() {
        let check = |text, expect| assert_eq!(ContentKind::of(text), expect, "{text}");
        for asset in ["image/webp", "IMAGE/PNG", "font/woff2", "text/css; charset=utf-8"] {
            check(asset, Some(ContentKind::Asset));
        }
        check("application/javascript", Some(ContentKind::Asset));
        check("application/x-font-woff", Some(ContentKind::Asset));
        check("text/html;charset=UTF-8", Some(ContentKind::Document));
        for other in ["application/json", "text/plain", "text/xml", "image", "", "-", ";"] {
            check(other, None);
        }
    }
}
