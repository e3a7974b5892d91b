//! A stored record opens only as it was sealed: with any byte changed, cut off or added, or under another key, connection
//! or generation, it is refused, without a panic and without showing anything of it.

use std::sync::LazyLock;

use oauth2::{AccessToken, RefreshToken};
use proptest::{prelude::*, sample::Index};
use secrecy::SecretString;
use time::macros::datetime;
use videoask_auth::{
    keys::Keyring,
    store::{
        RowKey,
        records::{Row, State},
    },
    vault::{Identity, Issuer, Record, TokenSet},
};

static KEYS: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::new(&SecretString::from("the secret that the records here are sealed with"), &[]));

fn row(name: &str) -> Row {
    let now = datetime!(2026-11-24 08:00 UTC);
    let token = AccessToken::new("canary-access-token".to_owned());
    let refresh_token = RefreshToken::new("canary-refresh-token".to_owned());
    let tokens = TokenSet::dated(token, Some(refresh_token), Some("openid".to_owned()), None, now);
    let identity = Identity { email: Some(format!("{name}@example.com")), ..Identity::default() };
    let issuer = Issuer { client_id: "client".to_owned(), token_endpoint: "https://auth.example/token".to_owned() };
    let record = Record::minted(&KEYS, tokens, identity, issuer);
    Row::from(&record.new_row(&KEYS, &RowKey::of_user(name), State::Live, None))
}

fn assert_refused(row: &Row) -> Result<(), TestCaseError> {
    let refused = Record::of_row(&KEYS, row);
    prop_assert!(refused.is_err(), "it opens");
    let shown = format!("{refused:?} {row:?}");
    prop_assert!(!shown.contains("canary"), "{}", shown);
    Ok(())
}

/// What somebody who can write to the store might do to a blob.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Drop(Index),
    Insert(Index, u8),
    Replace(Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        any::<Index>().prop_map(Change::Cut),
        any::<Index>().prop_map(Change::Drop),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Vec<u8>>().prop_map(Change::Replace),
    ]
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        match self {
            Self::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Drop(at) => _ = bytes.remove(at.index(length)),
            Self::Insert(at, byte) => bytes.insert(at.index(length + 1), byte),
            Self::Replace(other) => *bytes = other,
        }
    }
}

#[test]
fn a_record_opens_as_it_was_sealed() {
    let record = Record::of_row(&KEYS, &row("ada")).expect("nothing is changed");
    assert_eq!(record.body.tokens.access_token.secret(), "canary-access-token");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn a_changed_record_does_not_open(changes in prop::collection::vec(change(), 1..4)) {
        let whole = row("ada");
        let mut changed = whole.clone();
        for change in changes {
            if !changed.sealed.bytes.is_empty() {
                change.apply(&mut changed.sealed.bytes);
            }
        }
        // Two changes may undo each other.
        prop_assume!(changed.sealed.bytes != whole.sealed.bytes);
        assert_refused(&changed)?;
    }

    #[test]
    fn a_record_that_was_moved_does_not_open(key in "\\PC{0,12}", connection in "\\PC{0,12}", generation: u64) {
        let whole = row("ada");
        let mut moved = [whole.clone(), whole.clone(), whole];
        moved[0].key = RowKey(key);
        moved[1].version.connection_id = connection;
        moved[2].version.generation = generation.max(2);
        for row in &moved {
            assert_refused(row)?;
        }
    }

    #[test]
    fn records_put_together_from_two_do_not_open(at in any::<Index>()) {
        let (mut one, other) = (row("ada"), row("grace"));
        let at = at.index(one.sealed.bytes.len().min(other.sealed.bytes.len()));
        one.sealed.bytes.truncate(at);
        one.sealed.bytes.extend_from_slice(&other.sealed.bytes[at..]);
        assert_refused(&one)?;
    }
}
