//! Randomness, encryption, and the check of an id_token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
    rsa::PublicKeyComponents,
    signature::RSA_PKCS1_2048_8192_SHA256,
};
use serde_json::Value;

/// Encrypts with a random key, which is lost when the process ends.
pub struct Crypto(LessSafeKey);

/// The provider's RSA key.
pub struct PublicKey(PublicKeyComponents<Vec<u8>>);

/// An unguessable string.
pub fn random() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

pub fn s256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

impl Crypto {
    pub fn new() -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &random_bytes::<32>()).expect("32 bytes")))
    }

    /// Encrypts. The result is the nonce, the ciphertext and the tag.
    pub fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut sealed = plaintext.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .expect("it is short");
        [&nonce[..], &sealed].concat()
    }

    pub fn open(&self, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        self.0.open_in_place(nonce, Aad::empty(), ciphertext).ok().map(|plaintext| plaintext.to_vec())
    }

    pub fn seal_text(&self, plaintext: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(plaintext))
    }

    pub fn open_text(&self, sealed: &str) -> Option<Vec<u8>> {
        self.open(URL_SAFE_NO_PAD.decode(sealed).ok()?)
    }
}

impl PublicKey {
    pub fn of(jwks: &Value) -> Self {
        let number = |name| URL_SAFE_NO_PAD.decode(jwks["keys"][0][name].as_str().expect("a string")).expect("Base64");
        Self(PublicKeyComponents { n: number("n"), e: number("e") })
    }

    /// The claims of a token that this key signed.
    pub fn verified(&self, token: &str) -> Option<Vec<u8>> {
        let (input, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.0.verify(&RSA_PKCS1_2048_8192_SHA256, input.as_bytes(), &signature).ok()?;
        URL_SAFE_NO_PAD.decode(input.split_once('.')?.1).ok()
    }
}

fn random_bytes<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes
}
