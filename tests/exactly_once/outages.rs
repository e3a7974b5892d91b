//! The store fails after a refresh token was sent and before the new token set is saved; then it works again.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use rusqlite::Connection;
use standin::{Fault, Rotation};
use tempfile::TempDir;
use videoask_auth::config::StoreUrl;

use crate::{
    cluster::{Backend, Cluster, STRICT, readiness, until_readiness},
    person::{Person, RefreshResult},
    scenarios::at_once,
    support::Program,
};

/// What happens to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outage {
    RedisKilled,
    RedisFrozen,
    /// Redis is killed, and is empty when it starts again.
    RedisForgets,
    SqliteLocked,
    DiskFull,
}

/// An outage that has started, and what ends it.
enum ActiveOutage {
    Killed,
    Frozen,
    Lock(Connection),
    Filler(PathBuf),
}

const EVERYWHERE: [Outage; 4] = [Outage::RedisKilled, Outage::RedisFrozen, Outage::RedisForgets, Outage::SqliteLocked];

#[test]
fn a_server_serves_what_came_while_the_store_was_away_and_saves_it_when_it_is_back() {
    at_once(EVERYWHERE.map(|outage| move || outlive_in_a_server(outage.cluster(), outage)));
}

#[test]
fn a_command_prints_what_came_while_the_store_was_away_and_waits_to_save_it() {
    at_once(EVERYWHERE.map(|outage| move || outlive_in_a_command(outage.cluster(), outage)));
}

#[test]
fn a_full_disk_is_outlived_as_well() {
    let disks = [SmallDisk::mount(), SmallDisk::mount()];
    let [Some(one), Some(other)] = &disks else {
        println!("nothing was tried: no file system can be mounted here");
        return;
    };
    let on = |disk: &SmallDisk| Cluster::new(Backend::Sqlite, STRICT).in_folder(disk.0.path());
    at_once([|| outlive_in_a_server(on(one), Outage::DiskFull)]);
    at_once([|| outlive_in_a_command(on(other), Outage::DiskFull)]);
}

#[test]
fn a_command_says_so_if_what_came_cannot_be_saved() {
    at_once([|| async {
        // A tenant without rotation: on a busy machine the exchange may time out and be sent again.
        let mut cluster = Cluster::new(Backend::Redis, Rotation::Off).set("EXCHANGE_TIMEOUT", "4s");
        cluster.connect_and_leave().await;
        cluster.next_exchange(Fault::HeldReply);
        let command = cluster.token();
        cluster.sent(1);
        let _broken = Outage::RedisKilled.start(&mut cluster);
        cluster.standin().release_replies();
        let ended = command.finish();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("could not be saved"), "{ended:?}");
    }]);
}

async fn outlive_in_a_server(mut cluster: Cluster, outage: Outage) {
    let server = cluster.serve();
    let person = cluster.log_in(&server).await;
    cluster.next_exchange(Fault::HeldReply);
    let pressing = person.begin_to_press(&server.url);
    cluster.sent(1);
    let broken = outage.start(&mut cluster);
    cluster.standin().release_replies();
    assert_eq!(pressing.await.unwrap(), RefreshResult::Newer, "{outage:?}: the set in hand is served");
    assert_eq!(readiness(&server.url).await, "degraded", "{outage:?}");
    broken.repair(&mut cluster);
    until_readiness(&server.url, "ready").await;
    go_on(&cluster, person, outage).await;
}

async fn outlive_in_a_command(mut cluster: Cluster, outage: Outage) {
    let person = cluster.connect_and_leave().await;
    cluster.next_exchange(Fault::HeldReply);
    let mut command = cluster.token();
    cluster.sent(1);
    let broken = outage.start(&mut cluster);
    cluster.standin().release_replies();
    let printed = command.line(Program::stdout, "");
    broken.repair(&mut cluster);
    let ended = command.finish();
    assert_eq!(ended.code, Some(0), "{outage:?}: {ended:?}");
    let next = cluster.token().finish();
    assert_eq!((next.code, next.stdout.trim_end()), (Some(0), printed.as_str()), "{outage:?}: {next:?}");
    go_on(&cluster, person, outage).await;
}

/// Asserts that the new token set is saved, and that its refresh token works.
async fn go_on(cluster: &Cluster, mut person: Person, outage: Outage) {
    assert_eq!(cluster.stored_generation().await, 2, "{outage:?}");
    if outage == Outage::RedisForgets {
        // The person's session is gone as well.
        cluster.assert_exchanges(1);
        return;
    }
    let other = cluster.serve();
    person.reload(&other.url).await;
    assert_eq!(person.press(&other.url).await, RefreshResult::Newer, "{outage:?}");
    cluster.assert_exchanges(2);
}

impl Outage {
    fn cluster(self) -> Cluster {
        match self {
            Self::RedisKilled | Self::RedisFrozen => Cluster::new(Backend::Redis, STRICT),
            Self::RedisForgets => Cluster::new(Backend::ForgetfulRedis, STRICT),
            Self::SqliteLocked | Self::DiskFull => Cluster::new(Backend::Sqlite, STRICT),
        }
    }

    fn start(self, cluster: &mut Cluster) -> ActiveOutage {
        match (self, cluster.store()) {
            (Self::SqliteLocked, StoreUrl::Sqlite(file)) => {
                let lock = Connection::open(file).unwrap();
                lock.execute_batch("BEGIN IMMEDIATE").unwrap();
                ActiveOutage::Lock(lock)
            }
            (Self::DiskFull, StoreUrl::Sqlite(file)) => ActiveOutage::Filler(fill(file.parent().unwrap())),
            (Self::RedisKilled | Self::RedisForgets, _) => {
                cluster.redis().kill();
                ActiveOutage::Killed
            }
            (Self::RedisFrozen, _) => {
                cluster.redis().freeze();
                ActiveOutage::Frozen
            }
            (Self::SqliteLocked | Self::DiskFull, _) => unreachable!("this happens to SQLite alone"),
        }
    }
}

impl ActiveOutage {
    fn repair(self, cluster: &mut Cluster) {
        match self {
            Self::Killed => cluster.redis().revive(),
            Self::Frozen => cluster.redis().thaw(),
            Self::Lock(lock) => lock.execute_batch("ROLLBACK").unwrap(),
            Self::Filler(file) => fs::remove_file(file).unwrap(),
        }
    }
}

/// Fills the disk to the last byte, and returns the file that does so.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut file = File::create(&path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    path
}

/// A file system in memory (tmpfs) of 1 MiB.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one. `None` if mounting is not permitted.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A lazy unmount, because a server that was just killed may still have it open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}
