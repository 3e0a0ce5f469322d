//! The normal form of a URL (RFC 3986, 6.2.2): escapes decoded where they need not be, tracking
//! parameters left out.

/// A text's normal form, byte by byte (RFC 3986, 6.2.2). Escapes of unreserved characters are
/// decoded, other escapes are in upper case, and anything malformed stays as it is.
pub fn normal(text: &str) -> impl Iterator<Item = u8> {
    let bytes = text.as_bytes();
    let mut at = 0;
    // How many digits of an escape that stays encoded are still to come.
    let mut upper = 0_u8;
    std::iter::from_fn(move || {
        let &byte = bytes.get(at)?;
        at += 1;
        if upper > 0 {
            upper -= 1;
            return Some(byte.to_ascii_uppercase());
        }
        if byte != b'%' {
            return Some(byte);
        }
        let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(at), digit(at + 1)) else { return Some(byte) };
        let decoded = (high * 16 + low) as u8;
        if decoded.is_ascii_alphanumeric() || b"-._~".contains(&decoded) {
            at += 2;
            return Some(decoded);
        }
        upper = 2;
        Some(byte)
    })
}

/// Parameters that say where a visitor came from and not what he asks for.
const TRACKING: &[&str] = &[
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "dclid",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "srsltid",
    "ttclid",
    "twclid",
    "wbraid",
    "yclid",
];

/// Is a parameter of this name left out of the normal form? So is one without a name.
pub fn is_tracking(name: &str) -> bool {
    name.is_empty() || name.starts_with("utm_") || TRACKING.contains(&name)
}
