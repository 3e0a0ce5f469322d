//! The tags of a page, as a browser reads them.

/// A start tag and its attributes.
#[derive(Debug, PartialEq)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.0 == name)
            .map(|attribute| attribute.1.as_str())
    }
}

/// Every start tag, in order. Whatever begins with `<` and is neither a tag, its end nor the
/// document type is a tag named so.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(ended) = rest.strip_prefix('/') {
            rest = ended;
            continue;
        }
        let length =
            rest.find(|char: char| char.is_whitespace() || char == '>').unwrap_or(rest.len());
        let name = rest[..length].to_lowercase();
        rest = &rest[length..];
        if name == "!doctype" {
            continue;
        }
        let attributes = attributes(&mut rest);
        // Style and title hold text and nothing else.
        if ["style", "title"].contains(&name.as_str()) {
            let end = rest.find(&format!("</{name}")).unwrap_or(rest.len());
            rest = &rest[end..];
        }
        tags.push(Tag { name, attributes });
    }
    tags
}

fn attributes(rest: &mut &str) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    loop {
        *rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with('>') {
            *rest = rest.get(1..).unwrap_or("");
            return attributes;
        }
        let length = rest
            .find(|char: char| char.is_whitespace() || char == '=' || char == '>')
            .unwrap_or(rest.len());
        let name = rest[..length.max(1)].to_lowercase();
        *rest = &rest[length.max(1)..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let end = quoted.find('"').unwrap_or(quoted.len());
            value = quoted[..end].to_owned();
            *rest = quoted.get(end + 1..).unwrap_or("");
        }
        attributes.push((name, value));
    }
}

#[test]
fn tags_and_attributes_are_read_as_they_stand() {
    let found = tags(
        "<!DOCTYPE html><p class=\"a b\" hidden>x &lt;i> y<br/><style>a>b</style><IMG src=x \
            onerror=\"y\">",
    );
    let names: Vec<&str> = found.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, ["p", "br/", "style", "img"]);
    assert_eq!(
        (found[0].attribute("class"), found[0].attribute("hidden")),
        (Some("a b"), Some(""))
    );
    assert_eq!(found[3].attribute("onerror"), Some("y"));
}
