//! Reduces paths to a shape that pages of one kind share.

/// Longest path kept, in characters.
const PATH_CHARS_MAX: usize = 80;

/// The path of a target without parameters, with each run of digits as `#`.
pub fn path_shape(target: &str) -> Box<str> {
    let (path, _) = detector::url::split(target);
    let mut shape = String::with_capacity(path.len().min(PATH_CHARS_MAX));
    for char in path.chars().take(PATH_CHARS_MAX) {
        match char {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            other => shape.push(other),
        }
    }
    shape.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_numbers_and_parameters() {
        assert_eq!(&*path_shape("/p/12345?ref=1"), "/p/#");
        assert_eq!(&*path_shape("https://shop.example/a1b22/"), "/a#b#/");
        assert_eq!(path_shape(&format!("/{}", "é".repeat(500))).chars().count(), PATH_CHARS_MAX);
    }
}
