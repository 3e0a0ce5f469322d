//! The number that a refused client quotes.

use gate::decision::DecisionId;

/// Crockford's base 32.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What is read as an id is printed as 13 letters and read to the same id, also in small letters
/// and with the letters that are taken for digits. Whatever 64 bits an id has, it can be read.
pub fn decision_id(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(id) = text.parse() {
        check(id);
        let folded = text.to_ascii_uppercase().replace('O', "0").replace(['I', 'L'], "1");
        let folded = folded.replace(|letter: char| letter == '-' || letter.is_whitespace(), "");
        assert_eq!(id.to_string(), folded, "{text:?}");
    }
    let bits = data.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let digit = |place: u32| usize::from((bits >> (5 * place)) as u8 & 31);
    let printed: String = (0..13).rev().map(|place| char::from(LETTERS[digit(place)])).collect();
    let id: DecisionId = printed.parse().expect("these are 64 bits in 13 letters");
    assert_eq!(id.to_string(), printed);
    check(id);
}

fn check(id: DecisionId) {
    let printed = id.to_string();
    assert!(printed.len() == 13 && printed.bytes().all(|letter| LETTERS.contains(&letter)));
    let typed = [
        printed.clone(),
        printed.to_lowercase(),
        printed.replace('0', "O").replace('1', "l"),
        format!(" {}-{} ", &printed[..6], &printed[6..]),
    ];
    for typed in typed {
        assert_eq!(typed.parse(), Ok(id), "{typed:?}");
    }
}
