//! One pattern: reads it, and tells which requests match it.

use std::fmt;

use detector::url::normal;

/// What is expected of a whole pattern, for error messages.
const EXPECTED: &str = "expected METHOD PATH STATUS, such as \"POST /checkout/complete 2xx\"";

/// A pattern `METHOD PATH STATUS`; the [module](super) describes its syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversionPattern {
    /// The pattern as it was written, with one space between the words.
    text: String,
    /// `None` means any method.
    method: Option<String>,
    segments: Vec<Segment>,
    /// Where the pattern ends with `*`: what the rest of the path must begin with, in normal form.
    /// `None` if nothing may follow the segments.
    rest: Option<Vec<u8>>,
    parameters: Vec<Parameter>,
    status: Status,
}

/// One segment of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// This segment, in normal form.
    Is(Vec<u8>),
    /// Any segment that is not empty.
    Any,
}

/// A parameter that the request must have. Name and value are in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    name: Vec<u8>,
    /// `None` means any value.
    value: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Is(u16),
    /// A class of statuses, by its first digit.
    Class(u16),
    Any,
}

/// What is wrong with a pattern, and what was expected.
type Problem = (String, String);

impl ConversionPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, and what was expected.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [method, target, status] = words[..] else {
            return Err((
                format!("{:?} has {} words", excerpt(text), words.len()),
                EXPECTED.to_owned(),
            ));
        };
        let is_method = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
        let method = match method {
            "*" => None,
            name if name.len() <= 20 && name.bytes().all(is_method) => Some(name.to_owned()),
            other => {
                let problem = format!("{:?} is not a method", excerpt(other));
                return Err((
                    problem,
                    "expected one in capitals such as POST, or * for any".to_owned(),
                ));
            }
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (segments, rest) = path_of(path)?;
        let parameter = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            Parameter {
                name: normal(name).collect(),
                value: (value != "*").then(|| normal(value).collect()),
            }
        };
        let parameters = query.split('&').filter(|text| !text.is_empty()).map(parameter).collect();
        let status = status_of(status)?;
        Ok(Self { text: words.join(" "), method, segments, rest, parameters, status })
    }

    /// Whether a request matches by its method and target. The method is as on the wire, path and
    /// query as [`detector::url::split`] returns them.
    pub(super) fn is_asked(&self, method: &str, path: &str, query: &str) -> bool {
        self.method.as_deref().is_none_or(|own| own == method)
            && self.fits_path(path)
            && self.fits_query(query)
    }

    /// Whether a request matches by the status with which it ended.
    pub(super) fn is_ended(&self, status: u16) -> bool {
        match self.status {
            Status::Any => true,
            Status::Is(own) => own == status,
            Status::Class(first) => status / 100 == first,
        }
    }

    fn fits_path(&self, path: &str) -> bool {
        let Some(mut left) = path.strip_prefix('/') else { return false };
        if self.rest.is_none() {
            left = left.trim_end_matches('/');
        }
        // What is left of the path; `None` after its last segment.
        let mut left = Some(left).filter(|left| !left.is_empty() || self.rest.is_some());
        for segment in &self.segments {
            let Some(path) = left else { return false };
            let (first, others) =
                path.split_once('/').map_or((path, None), |(first, others)| (first, Some(others)));
            let fits = match segment {
                Segment::Is(own) => normal(first).eq(own.iter().copied()),
                Segment::Any => !first.is_empty(),
            };
            if !fits {
                return false;
            }
            left = others;
        }
        match (&self.rest, left) {
            (None, left) => left.is_none(),
            (Some(_), None) => false,
            (Some(start), Some(left)) => {
                let mut left = normal(left);
                start.iter().all(|byte| left.next() == Some(*byte))
            }
        }
    }

    fn fits_query(&self, query: &str) -> bool {
        self.parameters.iter().all(|own| {
            query.split('&').any(|text| {
                let (name, value) = text.split_once('=').unwrap_or((text, ""));
                let is_value = |own: &Vec<u8>| normal(value).eq(own.iter().copied());
                normal(name).eq(own.name.iter().copied()) && own.value.as_ref().is_none_or(is_value)
            })
        })
    }
}

impl fmt::Display for ConversionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn path_of(path: &str) -> Result<(Vec<Segment>, Option<Vec<u8>>), Problem> {
    let Some(mut path) = path.strip_prefix('/').filter(|path| !path.contains('#')) else {
        let problem = format!("{:?} is not a path", excerpt(path));
        return Err((
            problem,
            "expected one that begins with a slash, such as /checkout/complete".to_owned(),
        ));
    };
    let mut rest = None;
    if let Some(before) = path.strip_suffix('*') {
        let (head, start) = before.rsplit_once('/').unwrap_or(("", before));
        if start.contains('*') {
            return Err(star(path));
        }
        rest = Some(normal(start).collect());
        path = head;
    }
    let path = path.trim_end_matches('/');
    let segment = |text: &str| match text {
        "*" => Ok(Segment::Any),
        text if text.contains('*') => Err(star(text)),
        text if text.len() > 1 && text.starts_with(':') => Ok(Segment::Any),
        text => Ok(Segment::Is(normal(text).collect())),
    };
    let segments = if path.is_empty() {
        Vec::new()
    } else {
        path.split('/').map(segment).collect::<Result<_, _>>()?
    };
    Ok((segments, rest))
}

fn star(text: &str) -> Problem {
    let problem = format!("{:?} has a `*` within a segment", excerpt(text));
    (problem, "expected a `*` as a whole segment, or at the very end of the path".to_owned())
}

fn status_of(text: &str) -> Result<Status, Problem> {
    let status = match text.as_bytes() {
        b"*" => Some(Status::Any),
        [first @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => {
            Some(Status::Class(u16::from(first - b'0')))
        }
        [b'1'..=b'5', _, _] => text.parse().ok().map(Status::Is),
        _ => None,
    };
    status.ok_or_else(|| {
        let problem = format!("{:?} is not a status", excerpt(text));
        (problem, "expected three digits such as 200, a class such as 2xx, or * for any".to_owned())
    })
}

fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}
