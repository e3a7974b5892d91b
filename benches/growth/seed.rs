//! Stores as an earlier version fills them, so that both versions can be measured with equal stores.

use std::path::Path;

use oauth2::{AccessToken, RefreshToken};
use secrecy::SecretString;
use url::Url;
use videoask_auth::{
    keys::Keyring,
    store::{
        RowKey,
        records::{NewRow, State},
    },
    vault::{Identity, Issuer, Record, TokenSet},
};

use super::support::{now, standin::CLIENT_ID};

const STEPS: [&str; 3] = [
    include_str!("../../src/store/sqlite/v1.sql"),
    include_str!("../../src/store/sqlite/v2.sql"),
    include_str!("../../src/store/sqlite/v3.sql"),
];
/// "vask", as schema.rs has it.
const APPLICATION_ID: u32 = 0x7661_736b;

/// The `user_id` of a user.
pub fn user(number: usize) -> String {
    format!("id-{number}")
}

/// So many live connections, each with an access token about as long as VideoAsk's.
pub fn rows(secret: &str, provider: &Url, connections: usize) -> Vec<NewRow> {
    let keys = Keyring::new(&SecretString::from(secret), &[]);
    let token_endpoint = provider.join("oauth/token").expect("a URL").to_string();
    (0..connections)
        .map(|number| {
            let access_token = AccessToken::new("a".repeat(900));
            let refresh_token = RefreshToken::new(format!("refresh-{number}"));
            let tokens = TokenSet::dated(
                access_token,
                Some(refresh_token),
                Some("openid".to_owned()),
                Some(std::time::Duration::from_secs(86_400)),
                now(),
            );
            let identity =
                Identity { user_id: Some(user(number)), sub: Some(format!("auth0|{number}")), ..Identity::default() };
            let issuer = Issuer { client_id: CLIENT_ID.to_owned(), token_endpoint: token_endpoint.clone() };
            let record = Record::minted(&keys, tokens, identity, issuer);
            record.new_row(&keys, &RowKey::of_user(&user(number)), State::Live, None)
        })
        .collect()
}

/// Writes the rows to a new SQLite file with version 3 of the schema.
pub fn sqlite(path: &Path, rows: &[NewRow]) {
    let mut connection = rusqlite::Connection::open(path).expect("it opens");
    connection.pragma_update(None, "journal_mode", "wal").expect("it is set");
    let transaction = connection.transaction().expect("nobody else has it");
    for step in STEPS {
        transaction.execute_batch(step).expect("it is SQL");
    }
    for row in rows {
        let due = row.due.map(|due| due.unix_timestamp() * 1000);
        transaction
            .prepare_cached(
                "INSERT INTO records (key, connection_id, generation, state, due, key_id, sealed)
                 VALUES (?1, ?2, 1, 'live', ?3, ?4, ?5)",
            )
            .and_then(|mut insert| {
                insert.execute((&row.key.0, &row.version.connection_id, due, &row.sealed.key_id, &row.sealed.bytes))
            })
            .expect("it is written");
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).expect("it is set");
    transaction.pragma_update(None, "user_version", 3).expect("it is set");
    transaction.commit().expect("it is written");
}

/// Writes the rows to Redis with version 1 of the schema.
pub async fn redis(url: &str, rows: &[NewRow]) {
    let client = redis::Client::open(url).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("it answers");
    let name = |name: &str| format!("{{videoask-auth}}:{name}");
    let mut pipeline = redis::pipe();
    pipeline.set(name("schema"), 1).ignore();
    let () = pipeline.query_async(&mut connection).await.expect("it is written");
    for page in rows.chunks(1000) {
        let mut pipeline = redis::pipe();
        for NewRow { key, version, due, sealed, .. } in page {
            let due = due.map_or(0, |due| due.unix_timestamp() * 1000).cast_unsigned() ^ (1 << 63);
            let due = format!("{due:016x}");
            pipeline
                .hset_multiple(
                    name(&format!("record:{}", key.0)),
                    &[
                        ("connection_id", version.connection_id.as_bytes()),
                        ("generation", b"1"),
                        ("state", b"live"),
                        ("due", due.as_bytes()),
                        ("key_id", sealed.key_id.as_bytes()),
                        ("sealed", &sealed.bytes),
                    ],
                )
                .ignore();
            pipeline.zadd(name("due"), format!("{due}{}", key.0), 0).ignore();
            pipeline.zadd(name("kept"), &key.0, 0).ignore();
            pipeline.zadd(name("sealed"), format!("{}:{}", sealed.key_id, key.0), 0).ignore();
        }
        let () = pipeline.query_async(&mut connection).await.expect("it is written");
    }
}
