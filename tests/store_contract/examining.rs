//! `inspect`, by which `check` examines a store.

use super::*;

#[tokio::test]
async fn a_missing_file_tells_where_it_would_be_and_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let examined = inspect(&file_in(&folder)).await.unwrap();
    let at = StoreLocation::File(folder.path().join("store.db"));
    assert_eq!(examined, Inspection { at, status: StoreStatus::Missing(CanCreate::Yes), risks: vec![] });
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_store_in_use_proves_that_it_can_be_written() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    store.put(&kept("a"), None).await.unwrap();
    assert_eq!(inspect(&file_in(&folder)).await.unwrap().status, StoreStatus::Writable);
    assert_eq!(store.read(&key("a")).await.unwrap(), Some(stored(&kept("a"))));
}

#[tokio::test]
async fn memory_says_that_it_forgets() {
    assert_eq!(inspect(&StoreUrl::Memory).await.unwrap().risks, [StoreRisk::NotPersistent]);
    assert_eq!(open(&StoreUrl::Memory, IfMissing::Create).await.unwrap().risks, [StoreRisk::NotPersistent]);
}

#[tokio::test]
async fn an_empty_redis_makes_no_store_and_leaves_a_key_of_ten_seconds() {
    let server = Redis::start();
    let examined = inspect(&server.url(None)).await.unwrap();
    assert_eq!(examined.status, StoreStatus::Missing(CanCreate::Yes));
    assert_eq!(examined.at.to_string(), server.name());
    assert_eq!(server.raw("KEYS *"), "*1\r\n$21\r\n{videoask-auth}:probe");
    assert_ne!(server.raw("TTL {videoask-auth}:probe"), ":-1");
    created(&server.url(None)).await;
    assert_eq!(inspect(&server.url(None)).await.unwrap().status, StoreStatus::Writable);
}
