//! What a log's client field, a labels file or a command line holds.

use detector::ClientKey;

/// A key that is shown and read again is the same key, and so is one that goes through JSON. A
/// network holds itself.
pub fn client_key(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let key = ClientKey::from_text(&text);
    assert_eq!(ClientKey::from_text(&key.to_string()), key, "{text:?} shown as {key}");
    let json = serde_json::to_string(&key).expect("a key is a text");
    assert_eq!(serde_json::from_str::<ClientKey>(&json).expect("it was written as one"), key);
    if let Some(ip) = key.ip() {
        assert_eq!(ClientKey::from_ip(ip), key);
        assert_eq!(ip, ip.to_canonical());
    } else {
        assert_eq!((key.network(), key.host()), (key, 0), "a name is alone");
    }
    assert_eq!(key.network().network(), key.network());
}
