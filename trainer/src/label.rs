//! Who is a person and who is a bot: labels from a file.
//!
//! CSV with a header `client,label[,why]`; `client` is what the log's client field holds, label one
//! of `human`, `bad`, `good_bot`, `unknown`; `why` names the class and may be quoted. Unknown
//! counts for nothing.

use std::collections::{HashMap, HashSet};
use std::fmt;

use detector::ClientKey;
use serde::Serialize;

/// What is known of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// A person: must never be hurt.
    Human,
    /// A robot nobody asked for.
    Bad,
    /// A robot that is welcome: a search crawler, a monitor. Neither trained on nor counted as
    /// right or wrong.
    GoodBot,
    /// No evidence either way: counts for nothing.
    Unknown,
}

impl Label {
    /// All labels.
    pub const ALL: [Self; 4] = [Self::Human, Self::Bad, Self::GoodBot, Self::Unknown];

    /// As written in labels files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Bad => "bad",
            Self::GoodBot => "good_bot",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A label and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// The label.
    pub label: Label,
    /// The rule or observation that gave it; may be empty.
    pub why: String,
}

/// Labels by client.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    by_client: HashMap<ClientKey, Labelled>,
}

/// A labels file that cannot be read.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct LabelError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What was expected, what stood there, what to do.
    pub problem: String,
}

impl Labels {
    /// Reads the text of a labels file; `file` is for messages.
    ///
    /// Two lines that disagree about one client (two addresses of one IPv6 /64, say) make it
    /// unknown, whatever other lines say of it and in whatever order.
    ///
    /// # Errors
    /// The first line that is not as described above.
    pub fn parse(file: &str, text: &str) -> Result<Self, LabelError> {
        let error =
            |line: usize, problem: String| LabelError { file: file.to_owned(), line, problem };
        let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate();
        let header = lines.next().map_or("", |(_, header)| header.trim());
        if !matches!(header, "client,label" | "client,label,why") {
            let problem =
                format!("expected the header \"client,label,why\", found {:?}", excerpt(header));
            return Err(error(1, problem));
        }
        let mut by_client: HashMap<ClientKey, Labelled> = HashMap::new();
        // Clients about whom two lines disagree: no third line decides between them.
        let mut disputed = HashSet::new();
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let fields = split(line).map_err(|problem| error(index + 1, problem))?;
            let [client, label, why @ ..] = fields.as_slice() else {
                return Err(error(
                    index + 1,
                    format!("expected client,label[,why], found {:?}", excerpt(line)),
                ));
            };
            let Some(label) = Label::ALL.into_iter().find(|known| known.as_str() == label) else {
                let problem =
                    format!("expected human, bad, good_bot or unknown, found {:?}", excerpt(label));
                return Err(error(index + 1, problem));
            };
            let labelled = Labelled { label, why: why.first().cloned().unwrap_or_default() };
            let key = ClientKey::from_text(client);
            match by_client.get_mut(&key) {
                Some(before) if before.label == label || disputed.contains(&key) => {}
                Some(before) if before.label == Label::Unknown => *before = labelled,
                Some(_) if label == Label::Unknown => {}
                Some(before) => {
                    disputed.insert(key);
                    *before = Labelled { label: Label::Unknown, why: "labels disagree".to_owned() }
                }
                None => drop(by_client.insert(key, labelled)),
            }
        }
        Ok(Self { by_client })
    }

    /// What the file says of a client.
    pub fn find(&self, client: ClientKey) -> Option<&Labelled> {
        self.by_client.get(&client)
    }

    /// All clients of the file, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (ClientKey, &Labelled)> {
        self.by_client.iter().map(|(client, labelled)| (*client, labelled))
    }

    /// Clients labelled.
    pub fn len(&self) -> usize {
        self.by_client.len()
    }

    /// Is nobody labelled?
    pub fn is_empty(&self) -> bool {
        self.by_client.is_empty()
    }
}

/// RFC 4180 fields of one line; a quoted field may hold commas and doubled quotes, but no line
/// break.
///
/// # Errors
/// What is wrong with the quoting, and what to do.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = line.trim_end_matches('\r');
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut field = String::new();
            let mut chars = quoted.char_indices();
            let end = loop {
                match chars.next() {
                    Some((at, '"')) if quoted[at + 1..].starts_with('"') => {
                        field.push('"');
                        chars.next();
                    }
                    Some((at, '"')) => break at + 1,
                    Some((_, other)) => field.push(other),
                    None => {
                        return Err(
                            "a quoted field does not end on its line: close the quote".to_owned()
                        );
                    }
                }
            };
            fields.push(field);
            match quoted[end..].strip_prefix(',') {
                Some(more) => rest = more,
                None if quoted[end..].is_empty() => return Ok(fields),
                None => return Err("expected a comma after a quoted field".to_owned()),
            }
        } else if let Some((field, more)) = rest.split_once(',') {
            fields.push(field.trim().to_owned());
            rest = more;
        } else {
            fields.push(rest.trim().to_owned());
            return Ok(fields);
        }
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_with_quotes_and_without_a_why() {
        let labels = Labels::parse(
            "x",
            "client,label,why\n1.2.3.4,human,\"a, \"\"b\"\"\"\n5.6.7.8,bad\n\nname,unknown,x\r\n",
        )
        .unwrap();
        assert_eq!(labels.len(), 3);
        let found = labels.find(ClientKey::from_text("1.2.3.4")).unwrap();
        assert_eq!((found.label, found.why.as_str()), (Label::Human, "a, \"b\""));
    }

    #[test]
    fn two_addresses_of_one_network_that_disagree_are_unknown() {
        let labels =
            Labels::parse("x", "client,label\n2001:db8::1,human\n2001:db8::2,bad\n").unwrap();
        assert_eq!(labels.find(ClientKey::from_text("2001:db8::9")).unwrap().label, Label::Unknown);
    }

    #[test]
    fn a_third_line_does_not_decide_between_two_that_disagree() {
        for order in [["human", "bad", "bad"], ["bad", "human", "bad"], ["bad", "bad", "human"]] {
            let lines = order.map(|label| format!("192.0.2.7,{label}\n")).concat();
            let labels = Labels::parse("x", &format!("client,label\n{lines}")).unwrap();
            let found = labels.find(ClientKey::from_text("192.0.2.7")).unwrap();
            assert_eq!(found.label, Label::Unknown, "{order:?}");
        }
    }

    #[test]
    fn a_bad_file_names_its_line() {
        let check = |text, expect| {
            let error = Labels::parse("l.csv", text).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check("", "l.csv:1: expected the header");
        check("ip,label\n", "l.csv:1: expected the header");
        check(
            "client,label\n1.2.3.4,robot\n",
            "l.csv:2: expected human, bad, good_bot or unknown, found \"robot\"",
        );
        check("client,label\n1.2.3.4\n", "l.csv:2: expected client,label");
        check("client,label\n\"1.2.3.4,bad\n", "l.csv:2: a quoted field does not end");
    }
}
