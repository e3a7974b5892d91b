//! Keys derived from `EXPRESS_SESSION`, one per purpose. They encrypt (`seal`), decrypt (`open`) and compute HMACs.
//!
//! Every key is HKDF-SHA256 (RFC 5869) of the secret with the purpose as `info`, so no two uses share one.
//! The encryption is ChaCha20-Poly1305 (RFC 8439): `version (1) | key id (4) | nonce (12) | ciphertext and tag`.

use ring::{
    aead::{self, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, hmac,
    rand::{SecureRandom, SystemRandom},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const HEADER: usize = 1 + KEY_ID + aead::NONCE_LEN;
/// Most encrypted texts are shorter. While one is written, a buffer that grew would leave plaintext behind in memory.
const LONGEST_USUAL: usize = 4096;

/// What a key is for. Its label goes into the derivation, so the labels never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// HMAC of a browser session's id: the key of its row and its mint-mode record.
    SessionId,
    /// Encryption of a session row.
    Session,
    /// Encryption of a pending-login cookie.
    PendingLogin,
    /// Encryption of a record.
    Record,
    /// Encryption of an API key's rights.
    ApiKey,
    /// HMAC of the names and settings that a record is found and counted by.
    Index,
}

impl Purpose {
    const ALL: [Self; 6] =
        [Self::SessionId, Self::Session, Self::PendingLogin, Self::Record, Self::ApiKey, Self::Index];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::SessionId => b"videoask-auth/session-id",
            Self::Session => b"videoask-auth/session",
            Self::PendingLogin => b"videoask-auth/pending-login",
            Self::Record => b"videoask-auth/record",
            Self::ApiKey => b"videoask-auth/api-key",
            Self::Index => b"videoask-auth/index",
        }
    }
}

/// The secret that encrypted a decrypted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealedBy {
    Current,
    /// One of `EXPRESS_SESSION_PREVIOUS`.
    Previous,
}

/// The plaintext, wiped when dropped, and the secret that encrypted it.
pub(crate) struct Opened {
    /// The plaintext.
    pub(crate) plaintext: Zeroizing<Vec<u8>>,
    /// The secret that encrypted it.
    pub(crate) sealed_by: SealedBy,
}

/// Why an encrypted text could not be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short, or a format version that this program does not know.
    #[error("the encrypted text has an unknown format")]
    Malformed,
    /// None of the configured secrets has this key id.
    #[error("encrypted by a secret that is neither EXPRESS_SESSION nor in EXPRESS_SESSION_PREVIOUS")]
    UnknownKey,
    /// The key fits, but text or associated data were changed or moved.
    #[error("the encrypted text was changed or moved")]
    Tampered,
}

/// All keys of the process: those of the current secret, and those of previous ones, which only decrypt.
pub struct Keyring {
    random: SystemRandom,
    sets: Vec<KeySet>,
}

/// The keys of one secret, in the order of [`Purpose::ALL`].
struct KeySet {
    keys: [Key; Purpose::ALL.len()],
}

struct Key {
    id: [u8; KEY_ID],
    aead: LessSafeKey,
    hmac: hmac::Key,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({} secrets)", self.sets.len())
    }
}

impl Keyring {
    /// Derives all keys. Those of `previous` decrypt, and never encrypt.
    #[must_use]
    pub fn new(current: &SecretString, previous: &[SecretString]) -> Self {
        let sets = std::iter::once(current).chain(previous).map(KeySet::derive).collect();
        Self { random: SystemRandom::new(), sets }
    }

    /// Encrypts `value`, as JSON, by the current secret. Only the same purpose and associated data decrypt it.
    ///
    /// # Panics
    /// When the operating system gives no random bytes; nothing can be kept secret then. JSON can write every value that
    /// is stored, since they have only string keys.
    pub(crate) fn seal(&self, purpose: Purpose, associated: &[&[u8]], value: &impl Serialize) -> Vec<u8> {
        let key = self.sets[0].key(purpose);
        let nonce: [u8; aead::NONCE_LEN] = self.random_bytes();
        let mut sealed = Vec::with_capacity(LONGEST_USUAL);
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id);
        sealed.extend_from_slice(&nonce);
        serde_json::to_writer(&mut sealed, value).expect("the value has only string keys, so JSON can write it");
        let tag = key
            .aead
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(encode_aad(purpose, associated)),
                &mut sealed[HEADER..],
            )
            .expect("a text that fits in memory is shorter than the cipher's limit");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Decrypts what [`Keyring::seal`] encrypted with the same purpose and associated data.
    ///
    /// # Errors
    /// [`OpenError`] says whether the format, the secret or the text is wrong.
    pub(crate) fn open(&self, purpose: Purpose, associated: &[&[u8]], sealed: &[u8]) -> Result<Opened, OpenError> {
        let (header, body) = sealed.split_at_checked(HEADER).ok_or(OpenError::Malformed)?;
        let (&version, rest) = header.split_first().ok_or(OpenError::Malformed)?;
        let (id, nonce) = rest.split_at(KEY_ID);
        if version != VERSION {
            return Err(OpenError::Malformed);
        }
        let position = self.sets.iter().position(|set| set.key(purpose).id == id).ok_or(OpenError::UnknownKey)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Malformed)?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        let length = self.sets[position]
            .key(purpose)
            .aead
            .open_in_place(nonce, Aad::from(encode_aad(purpose, associated)), &mut plaintext)
            .map_err(|_| OpenError::Tampered)?
            .len();
        plaintext.truncate(length);
        let sealed_by = if position == 0 { SealedBy::Current } else { SealedBy::Previous };
        Ok(Opened { plaintext, sealed_by })
    }

    /// The HMAC-SHA256 of `data` by the current secret.
    pub(crate) fn hmac(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        self.sets[0].hmac(purpose, data)
    }

    /// The HMACs of `data` by the current secret and then by each previous one: a row may have any of them as its key.
    pub(crate) fn hmacs(&self, purpose: Purpose, data: impl AsRef<[u8]>) -> impl Iterator<Item = [u8; 32]> {
        self.sets.iter().map(move |set| set.hmac(purpose, data.as_ref()))
    }

    /// The id of the key that encrypts for this purpose, as [`key_id_of`] reads it from the encrypted text.
    pub(crate) fn key_id(&self, purpose: Purpose) -> String {
        hex(&self.sets[0].key(purpose).id)
    }

    /// The id of each secret's key for this purpose: the current one, then the previous ones.
    pub(crate) fn key_ids(&self, purpose: Purpose) -> impl Iterator<Item = String> {
        self.sets.iter().map(move |set| hex(&set.key(purpose).id))
    }

    /// `N` bytes from the operating system's generator.
    ///
    /// # Panics
    /// When the operating system gives no random bytes.
    pub(crate) fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }
}

impl KeySet {
    fn derive(secret: &SecretString) -> Self {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"videoask-auth").extract(secret.expose_secret().as_bytes());
        Self { keys: Purpose::ALL.map(|purpose| Key::derive(&extracted, purpose)) }
    }

    fn key(&self, purpose: Purpose) -> &Key {
        &self.keys[purpose as usize]
    }

    fn hmac(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.key(purpose).hmac, data);
        tag.as_ref().try_into().expect("an HMAC-SHA256 is 32 bytes long")
    }
}

impl Key {
    fn derive(extracted: &hkdf::Prk, purpose: Purpose) -> Self {
        let bytes = |part: &[u8]| {
            let info = [purpose.label(), part];
            let mut out = Zeroizing::new([0; 32]);
            extracted
                .expand(&info, hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut *out))
                .expect("32 bytes are within the limit of HKDF-SHA256");
            out
        };
        let aead = UnboundKey::new(&aead::CHACHA20_POLY1305, &*bytes(b"/seal")).expect("the key is 32 bytes long");
        let id = bytes(b"/id");
        Self {
            id: id[..KEY_ID].try_into().expect("the slice has this length"),
            aead: LessSafeKey::new(aead),
            hmac: hmac::Key::new(hmac::HMAC_SHA256, &*bytes(b"/mark")),
        }
    }
}

/// The id of the key that encrypted this text, or an empty one if the text is too short.
pub(crate) fn key_id_of(sealed: &[u8]) -> String {
    sealed.get(1..=KEY_ID).map(hex).unwrap_or_default()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Purpose and parts, each preceded by its length, so that different lists of parts never have the same bytes.
fn encode_aad(purpose: Purpose, parts: &[&[u8]]) -> Vec<u8> {
    let length = 1 + 8 + purpose.label().len() + parts.iter().map(|part| 8 + part.len()).sum::<usize>();
    let mut framed = Vec::with_capacity(length);
    framed.push(VERSION);
    for part in std::iter::once(&purpose.label()).chain(parts) {
        framed.extend_from_slice(&(part.len() as u64).to_be_bytes());
        framed.extend_from_slice(part);
    }
    framed
}
