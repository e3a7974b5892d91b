use std::{
    fs,
    path::{Path, PathBuf},
};

use ring::signature::{KeyPair, RsaKeyPair};

#[test]
fn both_keys_say_that_they_are_public_and_have_2048_bits() {
    let keys: Vec<PathBuf> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "pem"))
        .collect();
    assert_eq!(keys.len(), 2);
    let mut publics = keys.iter().map(|path| {
        let pem = fs::read_to_string(path).unwrap();
        assert!(pem.starts_with("PUBLIC DEMO KEY"), "{}", path.display());
        let base64: String =
            pem.lines().skip_while(|l| !l.starts_with("---")).filter(|l| !l.starts_with("---")).collect();
        let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).unwrap();
        let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
        assert_eq!(pair.public().modulus_len(), 256);
        pair.public_key().as_ref().to_vec()
    });
    assert_ne!(publics.next(), publics.next());
}
