//! The format of a key that `key add` creates: `vak_`, 32 random bytes in base62, and a base62 CRC-32 of them. By prefix
//! and checksum, secret scanners recognise a key, and this app rejects anything else without reading the store.

use std::fmt;

use ring::digest::{SHA256, digest};
use secrecy::SecretString;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

const PREFIX: &str = "vak_";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
pub(super) const RANDOM: usize = 32;
/// 62 to the 43rd is just above 256 to the 32nd.
const BODY: usize = 43;
/// 62 to the 6th is above 2 to the 32nd.
const CHECKSUM: usize = 6;

/// The SHA-256 of a key. All hashes have the same length, so comparing two in constant time reveals nothing of the keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    pub(crate) fn of(key: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, key).as_ref());
        Self(hash)
    }

    pub(super) const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

/// The key of these random bytes.
pub(super) fn encode(random: &[u8; RANDOM]) -> SecretString {
    let mut text = String::with_capacity(PREFIX.len() + BODY + CHECKSUM);
    text.push_str(PREFIX);
    push_base62(&mut text, random, BODY);
    push_base62(&mut text, &crc32(random).to_be_bytes(), CHECKSUM);
    text.into()
}

/// Whether this is a key that [`encode`] can have made.
pub(super) fn is_key(text: &[u8]) -> bool {
    let Some((body, checksum)) = text.strip_prefix(PREFIX.as_bytes()).and_then(|rest| rest.split_at_checked(BODY))
    else {
        return false;
    };
    let random = from_base62::<RANDOM>(body);
    let checksum = Some(checksum).filter(|text| text.len() == CHECKSUM).and_then(from_base62::<4>);
    random.is_some_and(|random| Some(crc32(&*random).to_be_bytes()) == checksum.as_deref().copied())
}

/// Appends a big-endian number in base62, with leading zeros.
fn push_base62(text: &mut String, number: &[u8], digits: usize) {
    let mut number = Zeroizing::new(number.to_vec());
    let mut reversed = Zeroizing::new(Vec::with_capacity(digits));
    for _ in 0..digits {
        let mut remainder = 0;
        for byte in number.iter_mut() {
            let dividend = remainder * 256 + u16::from(*byte);
            *byte = u8::try_from(dividend / 62).expect("the remainder before is below 62");
            remainder = dividend % 62;
        }
        reversed.push(DIGITS[usize::from(remainder)]);
    }
    text.extend(reversed.iter().rev().map(|digit| char::from(*digit)));
}

/// The big-endian number that these digits are, if it fits.
fn from_base62<const N: usize>(digits: &[u8]) -> Option<Zeroizing<[u8; N]>> {
    let mut number = Zeroizing::new([0; N]);
    for digit in digits {
        let value = DIGITS.iter().position(|known| known == digit)?;
        let mut carry = u16::try_from(value).ok()?;
        for byte in number.iter_mut().rev() {
            let product = u16::from(*byte) * 62 + carry;
            let [high, low] = product.to_be_bytes();
            *byte = low;
            carry = high.into();
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

/// CRC-32 as zlib and most scanners compute it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_checksum_is_the_common_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_smallest_and_the_largest_key_have_the_same_length() {
        for random in [[0; RANDOM], [255; RANDOM]] {
            let key = encode(&random);
            assert_eq!(key.expose_secret().len(), 4 + 43 + 6);
            assert!(is_key(key.expose_secret().as_bytes()));
        }
    }

    proptest! {
        #[test]
        fn every_key_is_recognised_and_one_with_a_changed_character_is_not(
            random in any::<[u8; RANDOM]>(), place in 0..53_usize, digit in 0..62_usize,
        ) {
            let key = encode(&random);
            let key = key.expose_secret().as_bytes();
            prop_assert!(is_key(key));
            prop_assert_eq!(*from_base62::<RANDOM>(&key[4..47]).expect("it fits"), random);
            let mut changed = key.to_vec();
            changed[place] = DIGITS[digit];
            prop_assert_eq!(is_key(&changed), changed == key);
            prop_assert!(!is_key(&key[..52]));
            prop_assert!(!is_key(&[key, b"0"].concat()));
        }

        #[test]
        fn no_text_causes_a_panic(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!is_key(&text));
            prop_assert!(!is_key(&[b"vak_", text.as_slice()].concat()));
        }
    }
}
