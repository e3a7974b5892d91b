//! Reads `INFO`.

use crate::store::{StoreError, redis::connection::Connection};

/// One field of a section of `INFO`, whose lines are `field:value`. `None` if it is missing: a hosted Redis may refuse the
/// command, or leave the field out.
pub(super) async fn field(connection: &Connection, section: &str, field: &str) -> Result<Option<String>, StoreError> {
    let answer: Result<String, StoreError> = connection.command(redis::cmd("INFO").arg(section)).await;
    match answer {
        Ok(text) => {
            let mut lines = text.lines().filter_map(|line| line.split_once(':'));
            Ok(lines.find(|(name, _)| *name == field).map(|(_, value)| value.trim().to_owned()))
        }
        Err(StoreError::NotPermitted { .. } | StoreError::Redis { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
