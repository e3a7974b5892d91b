use std::{
    fs,
    path::{Path, PathBuf},
};

use ring::signature::{KeyPair, RsaKeyPair};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn standin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/standin")
}

#[test]
fn the_standin_imports_nothing_of_ours() {
    let files: Vec<_> =
        sources(&standin()).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs")).collect();
    assert!(files.len() > 10, "the sources were not found");
    for path in files {
        let source = fs::read_to_string(&path).unwrap();
        let elsewhere = source.replace("crate::standin", "");
        assert!(!elsewhere.contains("crate::"), "{} reaches over the wall", path.display());
        assert!(!source.contains("videoask_auth::"), "{} reaches over the wall", path.display());
        // Above the folder's own module lies the crate.
        let way_out = if path.ends_with("standin/mod.rs") { "super::" } else { "super::super" };
        assert!(!source.contains(way_out), "{} reaches over the wall", path.display());
        let levels = path.strip_prefix(standin()).unwrap().components().count();
        assert_eq!(levels, 1, "{} is deeper than this test thinks", path.display());
    }
}

#[test]
fn both_keys_say_that_they_are_public_and_have_2048_bits() {
    let keys: Vec<_> =
        sources(&standin().join("keys")).into_iter().filter(|p| p.extension().is_some_and(|e| e == "pem")).collect();
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
