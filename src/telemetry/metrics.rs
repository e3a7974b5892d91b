//! The metrics of one process, and the text that Prometheus reads.

use std::sync::Arc;

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{
    clock::Clock,
    telemetry::{
        Endpoint, Exchange, Exposition, Grant, LoginResult, ProblemType, ProviderRequest, Route, StatusClass,
        Stopwatch,
        exchange::Exchanges,
        family::Family,
        labels::{HandedOut, Outcome},
    },
};

const PREFIX: &str = "videoask_auth";
/// From the response time of a nearby server to the timeouts of 30 s and 60 s.
const SECONDS: [f64; 10] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Everything that one process counts and times. It is cheap to clone, and counting is an index and one addition.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Instruments>);

#[derive(Debug)]
struct Instruments {
    logins: Family<LoginResult, Counter>,
    throttled_logins: Counter,
    exchanges: Exchanges,
    hand_outs: Family<(Route, Outcome<HandedOut>), Counter>,
    proxied: Family<Outcome<StatusClass>, Counter>,
    provider: Family<ProviderRequest, Histogram>,
    upstream: Family<Endpoint, Histogram>,
    registry: Registry,
}

impl Metrics {
    pub(crate) fn login(&self, result: LoginResult) {
        self.0.logins.of(result).inc();
    }

    /// A callback was refused because too many code exchanges have failed.
    pub(crate) fn login_throttled(&self) {
        self.0.throttled_logins.inc();
    }

    pub(crate) fn exchange(&self, grant: Grant, clock: &Clock) -> Exchange {
        Exchange::begin(self.0.exchanges.clone(), grant, self.asked(grant.into(), clock))
    }

    /// A request for a token ended, with a token or a problem.
    pub(crate) fn handed_out(&self, route: Route, result: Result<(), ProblemType>) {
        let result = result.map(|()| HandedOut::Ok);
        self.0.hand_outs.of((route, result.into())).inc();
    }

    /// A request to `/proxy` got a response, from VideoAsk or from this app.
    pub(crate) fn proxied(&self, result: Result<StatusClass, ProblemType>) {
        self.0.proxied.of(result.into()).inc();
    }

    /// Times a request to the authorization server, to the end of its response.
    pub(crate) fn asked(&self, what: ProviderRequest, clock: &Clock) -> Stopwatch {
        Stopwatch::start(self.0.provider.of(what), clock)
    }

    /// Times a request to VideoAsk's API, to the head of its response.
    pub(crate) fn upstream(&self, endpoint: Endpoint, clock: &Clock) -> Stopwatch {
        Stopwatch::start(self.0.upstream.of(endpoint), clock)
    }

    /// All metrics, in this format. `register` adds those that are read now.
    ///
    /// # Panics
    /// Never: a string takes whatever is written to it.
    pub(crate) fn page(&self, register: impl FnOnce(&mut Registry), exposition: Exposition) -> String {
        let mut at_this_moment = Registry::with_prefix(PREFIX);
        register(&mut at_this_moment);
        let mut page = String::new();
        text::encode_registry(&mut page, &self.0.registry)
            .and_then(|()| text::encode_registry(&mut page, &at_this_moment))
            .and_then(|()| text::encode_eof(&mut page))
            .expect("a string takes whatever is written to it");
        exposition.of_open_metrics(page)
    }
}

impl Default for Instruments {
    fn default() -> Self {
        let timed = || Histogram::new(SECONDS);
        let mut instruments = Self {
            logins: Family::default(),
            throttled_logins: Counter::default(),
            exchanges: Family::default(),
            hand_outs: Family::default(),
            proxied: Family::default(),
            provider: Family::new(timed),
            upstream: Family::new(timed),
            registry: Registry::with_prefix(PREFIX),
        };
        instruments.register();
        instruments
    }
}

impl Instruments {
    /// Counters get their `_total`, and times their `_seconds`, from the crate; it also ends each help with a full stop.
    fn register(&mut self) {
        let Self { logins, throttled_logins, exchanges, hand_outs, proxied, provider, upstream, registry } = self;
        registry.register("logins", "Logins that came back from VideoAsk, by how they ended", logins.clone());
        registry.register(
            "throttled_logins",
            "Callbacks refused because too many code exchanges had failed",
            throttled_logins.clone(),
        );
        registry.register("exchanges", "POSTs to VideoAsk's token endpoint, by what came of them", exchanges.clone());
        registry.register("hand_outs", "Tokens that machines asked for, by what they got", hand_outs.clone());
        registry.register("proxied_requests", "Requests to /proxy, by what they were answered", proxied.clone());
        registry.register_with_unit(
            "provider_request_duration",
            "Time to the end of an answer of VideoAsk's authorization server",
            Unit::Seconds,
            provider.clone(),
        );
        registry.register_with_unit(
            "upstream_request_duration",
            "Time to the head of an answer of VideoAsk's API",
            Unit::Seconds,
            upstream.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::OffsetDateTime;

    use super::*;

    fn page(metrics: &Metrics) -> String {
        metrics.page(|_| {}, Exposition::OpenMetrics)
    }

    fn has(metrics: &Metrics, line: &str) {
        let page = page(metrics);
        assert!(page.lines().any(|other| other.strip_prefix("videoask_auth_") == Some(line)), "no {line} in\n{page}");
    }

    #[test]
    fn an_exchange_that_was_given_up_is_unknown_and_timed() {
        let (metrics, (clock, hand)) = (Metrics::default(), Clock::manual(OffsetDateTime::UNIX_EPOCH));
        let given_up = metrics.exchange(Grant::Refresh, &clock);
        hand.advance(Duration::from_secs(10));
        drop(given_up);
        has(&metrics, "exchanges_total{grant=\"refresh\",result=\"unknown\"} 1");
        has(&metrics, "provider_request_duration_seconds_sum{request=\"refresh\"} 10.0");
        has(&metrics, "provider_request_duration_seconds_bucket{le=\"5.0\",request=\"refresh\"} 0");
        has(&metrics, "provider_request_duration_seconds_bucket{le=\"10.0\",request=\"refresh\"} 1");
    }

    #[test]
    fn a_proxied_request_is_counted_by_who_answered_it() {
        let metrics = Metrics::default();
        metrics.proxied(Ok(StatusClass::of(404)));
        metrics.proxied(Err(ProblemType::UpstreamUnavailable));
        has(&metrics, "proxied_requests_total{result=\"4xx\"} 1");
        has(&metrics, "proxied_requests_total{result=\"upstream-unavailable\"} 1");
    }
}
