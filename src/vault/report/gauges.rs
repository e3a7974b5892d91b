//! Metrics that are read when they are requested, instead of being counted.

use std::time::Duration;

use prometheus_client::{
    metrics::gauge::{ConstGauge, Gauge},
    registry::{Registry, Unit},
};

use crate::{
    telemetry::Family,
    vault::report::{obstacle::Obstacle, record_state::RecordState},
};

/// The state of one process at one moment.
#[derive(Debug)]
pub(crate) struct Gauges {
    /// Token sets that exist only in memory.
    pub(crate) unsaved: usize,
    /// The time since the keeper was last active.
    pub(crate) keeper_idle: Duration,
    /// The state of the store. `None` if it does not respond, since an old value would look like a new one.
    pub(crate) snapshot: Option<StoreSnapshot>,
}

/// The state of the store at one moment.
#[derive(Debug, Default)]
pub(crate) struct StoreSnapshot {
    connections: Family<RecordState, Gauge>,
    obstacles: Family<Obstacle, Gauge>,
    keeper_lag: Duration,
    login_needed_in: Option<Duration>,
}

impl StoreSnapshot {
    /// Adds rows of this state.
    pub(crate) fn count(&mut self, state: RecordState, rows: u64) {
        self.connections.of(state).inc_by(rows.cast_signed());
    }

    /// Adds connections that are not used for this reason.
    pub(crate) fn count_obstacle(&mut self, obstacle: Obstacle, connections: u64) {
        self.obstacles.of(obstacle).inc_by(connections.cast_signed());
    }

    /// A record has been due for this long. The longest time counts.
    pub(crate) fn overdue_by(&mut self, time: Duration) {
        self.keeper_lag = self.keeper_lag.max(time);
    }

    /// A user has to log in again after this time. The shortest counts.
    pub(crate) fn login_needed_in(&mut self, time: Duration) {
        self.login_needed_in = Some(self.login_needed_in.map_or(time, |shortest| shortest.min(time)));
    }

    fn register(self, registry: &mut Registry) {
        registry.register("connections", "Rows in the store, by state", self.connections);
        registry.register(
            "connection_obstacles",
            "Connections in a good state that are not used or not refreshed, by what is in the way",
            self.obstacles,
        );
        registry.register_with_unit(
            "keeper_lag",
            "For how long the most overdue refresh should have been made",
            Unit::Seconds,
            seconds(self.keeper_lag),
        );
        registry.register_with_unit(
            "login_needed_in",
            "Time until the first user has to log in again, or infinity if nothing is expected",
            Unit::Seconds,
            ConstGauge::new(self.login_needed_in.map_or(f64::INFINITY, |time| time.as_secs_f64())),
        );
    }
}

impl Gauges {
    /// Adds these metrics to a registry that is used for one response only.
    pub(crate) fn register(self, registry: &mut Registry) {
        let Self { unsaved, keeper_idle, snapshot } = self;
        registry.register(
            "unsaved_token_sets",
            "Token sets that are in this process's memory alone",
            ConstGauge::new(u64::try_from(unsaved).unwrap_or(u64::MAX)),
        );
        registry.register_with_unit(
            "keeper_silence",
            "Time since the keeper's last sign of life",
            Unit::Seconds,
            seconds(keeper_idle),
        );
        let up = ConstGauge::new(u64::from(snapshot.is_some()));
        registry.register("store_up", "1 if the store answers, else 0", up);
        if let Some(snapshot) = snapshot {
            snapshot.register(registry);
        }
    }
}

fn seconds(time: Duration) -> ConstGauge<f64> {
    ConstGauge::new(time.as_secs_f64())
}
