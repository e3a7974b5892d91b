//! Processes that share one Redis: what a login costs all of them, how often they sleep meanwhile, and how many commands
//! they send to Redis when nobody logs in.

use std::time::Duration;

use futures_util::future::join_all;

use super::{
    chart::{Chart, Line, Scale},
    redis_server::RedisServer,
    support::{
        app::App,
        browser::{Browser, Site},
        free_port,
        process::Cpu,
        standin, stopwatch,
    },
};

const LENGTH: Duration = Duration::from_secs(4);

/// What was measured.
struct Measured {
    /// CPU seconds per 1,000 logins.
    cpu: f64,
    redis_cpu: f64,
    /// How often a thread of a replica went to sleep per login.
    sleeps: f64,
    /// Redis commands per login.
    commands: f64,
    /// How often Redis read from a connection.
    reads: f64,
    /// Redis commands per second while there are no requests.
    idle: f64,
}

pub async fn run(numbers: &[usize], browsers: usize) -> Vec<(&'static str, Chart)> {
    println!(
        "\nreplicas | CPU s per 1,000 logins, all replicas | of Redis | sleeps per login | Redis commands per login | reads | a second, idle"
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for &replicas in numbers {
        let Measured { cpu, redis_cpu, sleeps, commands, reads, idle } = measure(replicas, browsers).await;
        println!(
            "{replicas:8} | {cpu:36.3} | {redis_cpu:8.3} | {sleeps:16.1} | {commands:24.1} | {reads:5.1} | {idle:14.2}"
        );
        ours.push((replicas, cpu));
        theirs.push((replicas, redis_cpu));
    }
    let lines = vec![Line { name: "replicas", points: ours }, Line { name: "Redis", points: theirs }];
    let (title, unit) = ("CPU time of 1,000 logins", "seconds, all replicas together");
    vec![("replicas", Chart { title, unit, things: "replicas on one Redis", scale: Scale::Linear, lines })]
}

async fn measure(replicas: usize, browsers: usize) -> Measured {
    let (redis, provider) = (RedisServer::start().await, standin::spawn().await);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let users: Vec<_> = (0..browsers).map(|number| format!("{}@example.com", standin::user(number))).collect();
    let users = users.join(",");
    let variables = [("STORE_URL", redis.url.as_str()), ("ALLOWED_USERS", &users)];
    let mut apps = Vec::new();
    for _ in 0..replicas {
        apps.push(App::start(folder.path(), free_port().await, &provider, &variables).await);
    }
    let sites: Vec<_> = apps.iter().map(|app| Site::new(&app.url, "/auth/videoask")).collect();
    // Warms up what only the first logins pay for: connections, scripts, the keys of the provider.
    log_in(&sites, browsers, Duration::from_millis(500)).await;

    let cpu = || apps.iter().map(|app| app.cpu()).sum::<Cpu>();
    let sleeps = || apps.iter().map(|app| app.sleeps()).sum::<f64>();
    let before = (cpu(), redis.process.cpu(), redis.counts().await, sleeps());
    let logins = log_in(&sites, browsers, LENGTH).await;
    let after = (cpu(), redis.process.cpu(), redis.counts().await, sleeps());
    tokio::time::sleep(LENGTH).await;
    let idle = (redis.counts().await.commands - after.2.commands) / LENGTH.as_secs_f64();
    Measured {
        cpu: (after.0 - before.0).per(logins, 1000.0).total(),
        redis_cpu: (after.1 - before.1).per(logins, 1000.0).total(),
        sleeps: (after.3 - before.3) / logins,
        commands: (after.2.commands - before.2.commands) / logins,
        reads: (after.2.reads - before.2.reads) / logins,
        idle,
    }
}

/// Logs in repeatedly for this long, each browser always at the same replica. Returns the number of logins.
async fn log_in(sites: &[Site], browsers: usize, length: Duration) -> f64 {
    let logins = join_all((0..browsers).map(async |number| {
        let (mut browser, began, mut logins) = (Browser::new(number), stopwatch(), 0_u32);
        while began.elapsed() < length {
            browser.log_in(&sites[number % sites.len()]).await.expect("a login");
            logins += 1;
        }
        logins
    }));
    logins.await.into_iter().sum::<u32>().into()
}
