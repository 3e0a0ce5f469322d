//! What is "the same client".
//!
//! A [`ClientKey`] has 128 bits. An IPv4 address is kept in its IPv4-mapped IPv6 form. An IPv6
//! address is cut to its /64, because one subscriber holds at least that much (RFC 6177). Where a
//! log's client field holds a name and not an address, the key is a hash of the name in the
//! multicast range `ff00::/8`, from which no client can send.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The client that a request is counted for. 16 bytes, `Copy`, cheap to hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    /// In two halves, high first. A `u128` must be aligned to 16 bytes, so a map's entry of key and
    /// pointer would take 32.
    halves: [u64; 2],
}

const _: () = assert!(align_of::<ClientKey>() == 8);

const NETWORK_BITS_V6: u32 = 64;
const NAME_PREFIX: u128 = 0xff << 120;
const NAME_BITS: u128 = (1 << 120) - 1;

impl ClientKey {
    /// The unspecified address, `::`: no client sends from it.
    pub const NOBODY: Self = Self::from_bits(0);

    /// The key of an address: IPv4 whole, IPv6 by /64, IPv4-mapped IPv6 as the IPv4 it is.
    pub fn from_ip(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(v4) => Self::from_bits(v4.to_ipv6_mapped().to_bits()),
            IpAddr::V6(v6) => {
                Self::from_bits(v6.to_bits() & (u128::MAX << (128 - NETWORK_BITS_V6)))
            }
        }
    }

    /// The key of what a log's client field or a labels file holds.
    ///
    /// Accepts an address, an address with `/64`, the `#hex` form that [`fmt::Display`] writes for
    /// names, or any other text, which is hashed (SHA-256, 120 bits).
    pub fn from_text(text: &str) -> Self {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Self::from_ip(ip);
        }
        if let Some(network) =
            text.strip_suffix("/64").and_then(|text| text.parse::<Ipv6Addr>().ok())
        {
            return Self::from_ip(IpAddr::V6(network));
        }
        if let Some(name) = text
            .strip_prefix('#')
            .filter(|hex| hex.len() == 30)
            .and_then(|hex| u128::from_str_radix(hex, 16).ok())
        {
            return Self::from_bits(NAME_PREFIX | name);
        }
        let digest = Sha256::digest(text.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self::from_bits(NAME_PREFIX | (u128::from_be_bytes(bytes) & NAME_BITS))
    }

    /// The address, or `None` where the client is a name. Of an IPv6 client it is the first address
    /// of its /64.
    pub fn ip(self) -> Option<IpAddr> {
        let bits = self.to_bits();
        (bits & NAME_PREFIX != NAME_PREFIX)
            .then(|| IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical())
    }

    /// The client's network: the /24 of an IPv4 address, the /48 of an IPv6 address (what a site is
    /// given, RFC 6177). The network of a name is the name itself.
    pub const fn network(self) -> Self {
        let bits = self.to_bits();
        Self::from_bits(match bits {
            name if name & NAME_PREFIX == NAME_PREFIX => name,
            v4 if v4 >> 32 == 0xffff => v4 & !0xff,
            v6 => v6 & (u128::MAX << 80),
        })
    }

    /// The client's number within its network: the last byte of an IPv4 address, the 16 bits of an
    /// IPv6 /64 below its /48. A name has number 0.
    pub const fn host(self) -> u16 {
        let bits = self.to_bits();
        match bits {
            name if name & NAME_PREFIX == NAME_PREFIX => 0,
            v4 if v4 >> 32 == 0xffff => (v4 & 0xff) as u16,
            v6 => (v6 >> 64) as u16,
        }
    }

    /// The key's 128 bits, for hashing and storing.
    pub const fn to_bits(self) -> u128 {
        ((self.halves[0] as u128) << 64) | self.halves[1] as u128
    }

    const fn from_bits(bits: u128) -> Self {
        Self { halves: [(bits >> 64) as u64, bits as u64] }
    }
}

impl Hash for ClientKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.to_bits());
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip() {
            Some(IpAddr::V4(v4)) => write!(f, "{v4}"),
            Some(IpAddr::V6(v6)) => write!(f, "{v6}/64"),
            None => write!(f, "#{:030x}", self.to_bits() & NAME_BITS),
        }
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ClientKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClientKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(Self::from_text(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_survives_being_written_and_read() {
        for text in ["192.0.2.7", "2001:db8:1:2::", "::1", "shopper-17", "#zz", "-", ""] {
            let key = ClientKey::from_text(text);
            assert_eq!(ClientKey::from_text(&key.to_string()), key, "{text:?} became {key}");
        }
    }

    #[test]
    fn an_ipv6_client_is_its_slash_64() {
        assert_eq!(
            ClientKey::from_text("2001:db8:1:2:aaaa::1"),
            ClientKey::from_text("2001:db8:1:2::9")
        );
        assert_ne!(
            ClientKey::from_text("2001:db8:1:2::1"),
            ClientKey::from_text("2001:db8:1:3::1")
        );
        assert_eq!(ClientKey::from_text("2001:db8:1:2:aaaa::1").to_string(), "2001:db8:1:2::/64");
    }

    #[test]
    fn an_ipv4_mapped_address_is_the_ipv4_client() {
        assert_eq!(ClientKey::from_text("::ffff:192.0.2.7"), ClientKey::from_text("192.0.2.7"));
    }

    #[test]
    fn a_network_is_a_24_or_a_48_and_a_name_is_its_own() {
        let check = |client: &str, network: &str| {
            assert_eq!(
                ClientKey::from_text(client).network(),
                ClientKey::from_text(network),
                "{client}"
            );
        };
        check("192.0.2.77", "192.0.2.0");
        check("::ffff:192.0.2.77", "192.0.2.0");
        check("2001:db8:1:ffff::1", "2001:db8:1::");
        check("::1", "::");
        check("shopper-17", "shopper-17");
        assert_ne!(
            ClientKey::from_text("192.0.2.77").network(),
            ClientKey::from_text("192.0.3.77").network()
        );
        assert_ne!(
            ClientKey::from_text("2001:db8:1::").network(),
            ClientKey::from_text("2001:db8:2::").network()
        );
    }

    #[test]
    fn network_and_host_together_are_the_client() {
        let keys = [
            "192.0.2.1",
            "192.0.2.255",
            "2001:db8:1:1::",
            "2001:db8:1:ffff::",
            "shopper-17",
            "::1",
        ];
        let keys = keys.map(ClientKey::from_text);
        for (at, one) in keys.iter().enumerate() {
            for two in &keys[..at] {
                assert_ne!((one.network(), one.host()), (two.network(), two.host()), "{one} {two}");
            }
        }
    }

    #[test]
    fn a_name_is_no_address() {
        assert_eq!(ClientKey::from_text("shopper-17").ip(), None);
        assert_ne!(ClientKey::from_text("shopper-17"), ClientKey::from_text("shopper-18"));
    }
}
