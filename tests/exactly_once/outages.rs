//! The store goes away between sending and saving, and comes back.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use rusqlite::Connection;
use tempfile::TempDir;
use videoask_auth::{config::StoreUrl, standin::Mishap};

use crate::{
    fleet::{Backend, Fleet, STRICT, readiness},
    person::Pressed,
    scenarios::at_once,
};

const SLOW: Mishap = Mishap::SlowReply { ms: 1500 };

/// What befalls the store.
#[derive(Clone, Copy, Debug)]
enum Outage {
    RedisKilled,
    RedisFrozen,
    SqliteLocked,
    DiskFull,
}

/// An outage that lasts.
enum Broken {
    Killed,
    Frozen,
    Lock(Connection),
    Filler(PathBuf),
}

#[test]
fn what_was_exchanged_while_the_store_is_away_is_served_and_saved_when_it_is_back() {
    let outages = [Outage::RedisKilled, Outage::RedisFrozen, Outage::SqliteLocked];
    at_once(outages.map(|outage| {
        move || async move {
            let backend = if let Outage::SqliteLocked = outage { Backend::Sqlite } else { Backend::Redis };
            endure(Fleet::new(backend, STRICT), outage).await;
        }
    }));
}

#[test]
fn a_full_disk_is_endured_as_well() {
    let Some(disk) = SmallDisk::mount() else {
        println!("nothing was tried: no file system can be mounted here");
        return;
    };
    at_once([|| endure(Fleet::new(Backend::Sqlite, STRICT).in_folder(disk.0.path()), Outage::DiskFull)]);
}

async fn endure(mut fleet: Fleet, outage: Outage) {
    let server = fleet.serve();
    let mut person = fleet.log_in(&server).await;
    fleet.next_exchange(SLOW);
    let pressing = tokio::spawn({
        let (person, url) = (person.clone(), server.url.clone());
        async move { person.press(&url).await }
    });
    fleet.sent(1);
    let broken = outage.strike(&mut fleet);
    assert_eq!(pressing.await.unwrap(), Pressed::Newer, "{outage:?}: the set in hand is served");
    assert_eq!(readiness(&server.url).await, "degraded", "{outage:?}");
    broken.mend(&mut fleet);
    while readiness(&server.url).await != "ready" {}
    assert_eq!(fleet.stored_generation().await, 2, "{outage:?}: it is saved");

    let other = fleet.serve();
    person.reload(&other.url).await;
    assert_eq!(person.press(&other.url).await, Pressed::Newer, "{outage:?}");
    fleet.assert_exchanges(2);
}

impl Outage {
    fn strike(self, fleet: &mut Fleet) -> Broken {
        match (self, fleet.store()) {
            (Self::SqliteLocked, StoreUrl::Sqlite(file)) => {
                let lock = Connection::open(file).unwrap();
                lock.execute_batch("BEGIN IMMEDIATE").unwrap();
                Broken::Lock(lock)
            }
            (Self::DiskFull, StoreUrl::Sqlite(file)) => Broken::Filler(fill(file.parent().unwrap())),
            (Self::RedisKilled, _) => {
                fleet.redis().kill();
                Broken::Killed
            }
            (Self::RedisFrozen, _) => {
                fleet.redis().freeze();
                Broken::Frozen
            }
            (Self::SqliteLocked | Self::DiskFull, _) => unreachable!("this befalls SQLite alone"),
        }
    }
}

impl Broken {
    fn mend(self, fleet: &mut Fleet) {
        match self {
            Self::Killed => fleet.redis().revive(),
            Self::Frozen => fleet.redis().thaw(),
            Self::Lock(lock) => lock.execute_batch("ROLLBACK").unwrap(),
            Self::Filler(file) => fs::remove_file(file).unwrap(),
        }
    }
}

/// Takes every byte that is left.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut file = File::create(&path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    path
}

/// A file system of its own in memory.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Nothing where this is not permitted.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that was killed just now may still have it open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}
