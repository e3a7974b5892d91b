use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use serde_json::{Value, json};

/// The signing keys of the tenant, published on purpose: see `keys/README.md`.
pub(super) struct Keys {
    pub(super) current: SigningKey,
    pub(super) next: SigningKey,
}

pub(super) struct SigningKey {
    pub(super) kid: &'static str,
    pair: RsaKeyPair,
}

impl Keys {
    pub(super) fn public_demo() -> Self {
        Self {
            current: SigningKey::from_pem("public-demo-key-1", include_str!("keys/current.pem")),
            next: SigningKey::from_pem("public-demo-key-2", include_str!("keys/next.pem")),
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        [&self.current, &self.next].into_iter().any(|key| key.verifies(message, signature))
    }
}

impl SigningKey {
    fn from_pem(kid: &'static str, pem: &str) -> Self {
        let base64: String = pem
            .lines()
            .skip_while(|line| !line.starts_with("-----BEGIN"))
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = STANDARD.decode(base64).expect("the key file is part of this source tree, and a test reads it");
        let pair = RsaKeyPair::from_pkcs8(&der).expect("the key file is part of this source tree, and a test reads it");
        Self { kid, pair }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("the buffer has the length of the modulus, and the system has randomness");
        signature
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key()).verify(message, signature).is_ok()
    }

    pub(super) fn jwk(&self) -> Value {
        let PublicKeyComponents::<Vec<u8>> { n, e } = self.pair.public().into();
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e),
        })
    }
}
