//! Writes one label into a labels file. All other rows keep their content and order.

use std::net::{IpAddr, SocketAddr};

use detector::ClientKey;
use serde::Serialize;
use trainer::label::{Label, LabelError, Labels, split};

/// Header of a file that is new.
const HEADER: &str = "client,label,why";

/// A labels file with one label added or replaced.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Relabelled {
    /// The client, as the file names it.
    pub client: String,
    /// The label.
    pub label: Label,
    /// The reason; may be empty.
    pub why: String,
    /// The client's previous rows. There are several if the file named several addresses of one
    /// client.
    pub before: Vec<ReplacedRow>,
    /// Number of clients labelled now.
    pub clients: usize,
    /// Content of the whole file.
    #[serde(skip)]
    pub text: String,
}

/// A row that was replaced.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplacedRow {
    /// Its line number, from 1.
    pub line: usize,
    /// Its label, as it was written.
    pub label: String,
    /// Its reason.
    pub why: String,
}

/// Why nothing was written.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum RelabelError {
    /// The existing file is not a labels file.
    #[error(transparent)]
    File(#[from] LabelError),
    /// The client or the reason cannot be written.
    #[error("{0}")]
    Nonsense(String),
}

/// Labels a client in the text of a labels file, which is empty for a new one. `file` is its name
/// for messages.
///
/// Fails at the first line of the file that cannot be read, or if the client or the reason cannot
/// be written.
pub fn relabel(
    file: &str,
    text: &str,
    client: &str,
    label: Label,
    why: &str,
) -> Result<Relabelled, RelabelError> {
    let client = checked(client)?;
    if why.chars().any(char::is_control) {
        let problem =
            "a reason is one line without control characters: write it shorter".to_owned();
        return Err(RelabelError::Nonsense(problem));
    }
    if !text.trim().is_empty() {
        Labels::parse(file, text)?;
    }
    let key = ClientKey::from_text(&client);
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let row = format!("{},{label},{}{line_end}", field(&client), field(why));
    let (mut written, mut before, mut is_in) =
        (String::with_capacity(text.len() + row.len()), Vec::new(), false);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let content = line.trim_end_matches(['\r', '\n']);
        let bare = content.trim_start_matches('\u{feff}').trim();
        if index == 0 {
            // A file without the column of reasons gets one.
            written.push_str(if bare == "client,label" { HEADER } else { content });
            written.push_str(line_end);
            continue;
        }
        let fields = split(content).unwrap_or_default();
        if bare.is_empty() || fields.first().is_none_or(|known| ClientKey::from_text(known) != key)
        {
            written.push_str(line);
            if !line.ends_with('\n') {
                written.push_str(line_end);
            }
            continue;
        }
        let of = |place: usize| fields.get(place).cloned().unwrap_or_default();
        before.push(ReplacedRow { line: index + 1, label: of(1), why: of(2) });
        if !std::mem::replace(&mut is_in, true) {
            written.push_str(&row);
        }
    }
    if written.trim().is_empty() {
        written = format!("{HEADER}{line_end}");
    }
    if !is_in {
        written.push_str(&row);
    }
    let clients = Labels::parse(file, &written)?.len();
    Ok(Relabelled { client, label, why: why.to_owned(), before, clients, text: written })
}

/// A client, as labels name it.
fn checked(client: &str) -> Result<String, RelabelError> {
    let nonsense = |problem: String| Err(RelabelError::Nonsense(problem));
    let client = client.trim();
    let excerpt: String = client.chars().take(60).flat_map(char::escape_default).collect();
    if client.is_empty() {
        return nonsense(
            "the client is empty: give what the log's client field holds, such as 192.0.2.7"
                .to_owned(),
        );
    }
    if client.chars().any(char::is_control) || client.len() > 1_000 {
        return nonsense(format!(
            "\"{excerpt}\" is not what a log's client field holds: give an address such as \
                192.0.2.7"
        ));
    }
    if Label::ALL.iter().any(|label| label.as_str() == client) {
        return nonsense(format!(
            "\"{client}\" is a label and not a client: the client comes first, then its label"
        ));
    }
    if client.parse::<SocketAddr>().is_ok() {
        return nonsense(format!("\"{client}\" has a port: a label is for an address, without it"));
    }
    if let Some((address, bits)) = client.split_once('/')
        && let Ok(address) = address.parse::<IpAddr>()
        && (address.is_ipv4() || bits != "64")
    {
        return nonsense(format!(
            "\"{excerpt}\" is a network: a label is for one client, an IPv4 address or an IPv6 \
                address or its /64"
        ));
    }
    let is_quad = client.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && client.matches('.').count() >= 2;
    let key = ClientKey::from_text(client);
    match key.ip() {
        Some(_) => Ok(key.to_string()),
        None if is_quad => nonsense(format!(
            "\"{excerpt}\" is not an address: an IPv4 address has four numbers up to 255"
        )),
        None => Ok(client.to_owned()),
    }
}

/// A field of a CSV row (RFC 4180).
fn field(text: &str) -> String {
    let is_plain = !text.contains([',', '"']) && text.trim() == text;
    if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, client: &str, label: Label, why: &str) -> String {
        relabel("l.csv", text, client, label, why).unwrap().text
    }

    #[test]
    fn a_label_is_added_and_everything_else_stays() {
        assert_eq!(
            written("", "192.0.2.7", Label::Human, ""),
            "client,label,why\n192.0.2.7,human,\n"
        );
        let text = "client,label\r\nb,bad\r\n\r\n\"a,b\",human\r\n";
        let expect = "client,label,why\r\nb,bad\r\n\r\n\"a,b\",human\r\n192.0.2.7,bad,\"said \
            \"\"no\"\", twice\"\r\n";
        assert_eq!(written(text, "192.0.2.7", Label::Bad, "said \"no\", twice"), expect);
        // The last line has no line break.
        assert_eq!(
            written("client,label,why\na,bad,x", "c", Label::Unknown, "y"),
            "client,label,why\na,bad,x\nc,unknown,y\n"
        );
    }

    #[test]
    fn a_former_label_is_replaced_where_it_stood_and_named() {
        let text = "client,label,why\na,bad,x\n2001:db8::1,human,one\nb,bad,\n2001:db8::2,bad,\"two, too\"\n";
        let relabelled = relabel("l.csv", text, "2001:db8::9", Label::Human, "asked").unwrap();
        assert_eq!(
            relabelled.text,
            "client,label,why\na,bad,x\n2001:db8::/64,human,asked\nb,bad,\n"
        );
        let before: Vec<_> =
            relabelled.before.iter().map(|row| (row.line, &*row.label, &*row.why)).collect();
        assert_eq!(before, [(3, "human", "one"), (5, "bad", "two, too")]);
        assert_eq!(relabelled.clients, 3);
        // Writing that label once more changes nothing.
        assert_eq!(
            written(&relabelled.text, "2001:db8::/64", Label::Human, "asked"),
            relabelled.text
        );
    }

    #[test]
    fn nonsense_is_refused_with_what_to_do() {
        let check = |client: &str, why: &str, expect: &str| {
            let said = relabel("l.csv", "", client, Label::Human, why).unwrap_err().to_string();
            assert!(said.contains(expect), "{said}");
        };
        check("", "", "is empty");
        check(" \t", "", "is empty");
        check("a\nb", "", "\\n");
        check("human", "", "the client comes first");
        check("192.0.2.7:80", "", "has a port");
        check("192.0.2.0/24", "", "is a network");
        check("2001:db8::/32", "", "is a network");
        check("192.0.2.300", "", "is not an address");
        check("192.0.2.7", "a\nb", "one line");
        let broken = relabel("l.csv", "client,label\nx,robot\n", "a", Label::Bad, "")
            .unwrap_err()
            .to_string();
        assert!(broken.contains("l.csv:2"), "{broken}");
        assert_eq!(
            relabel("l.csv", "", "shopper-17", Label::Human, "").unwrap().client,
            "shopper-17"
        );
    }
}
