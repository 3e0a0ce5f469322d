//! Patterns of what a visit can come to: `NAME=METHOD PATH STATUS`.

use traffic::Conversions;

/// The first line is a request, `METHOD STATUS TARGET`; each other line is a pattern as the flag
/// `--outcome` takes it.
///
/// A pattern that was accepted is shown, and read again it is the same; what a request came to is
/// among what it wanted; and the fragment of a target does not count.
pub fn conversions(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.lines();
    let mut request = lines.next().unwrap_or_default().splitn(3, ' ');
    let [method, status, target] = [(); 3].map(|()| request.next().unwrap_or_default());
    let status = status.parse().unwrap_or(200);

    let mut conversions = Conversions::default();
    for flag in lines {
        let before = conversions.clone();
        if let Err(error) = conversions.add_flag(flag) {
            assert_eq!(conversions.patterns().count(), before.patterns().count());
            assert!(error.name.chars().count() <= 32, "{error}");
            assert!(!error.problem.is_empty() && !error.expected.is_empty(), "{error}");
        }
    }
    let mut again = Conversions::default();
    for (name, pattern) in conversions.patterns() {
        again.add(name, &pattern.to_string()).expect("what is shown can be read");
    }
    assert!(again.patterns().eq(conversions.patterns()));

    let asked = conversions.asked(method, target);
    assert_eq!(asked, again.asked(method, target));
    if !target.contains('#') {
        assert_eq!(asked, conversions.asked(method, &format!("{target}#top")));
    }
    let (wanted, reached) = (conversions.wanted(asked), conversions.reached(asked, status));
    assert_eq!(wanted.and(reached), wanted, "reached and not wanted");
    assert_eq!(asked.is_nothing(), wanted.is_nothing());
    assert!((0..64).all(|number| !wanted.has(number) || number < conversions.names().len()));
}
