//! A tenant of Auth0 with rotation, reuse detection and leeway, and the network between it and the processes.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use oauth2::{AccessToken, RefreshToken};
use tokio::sync::oneshot;
use videoask_auth::{
    provider::{ExchangeError, TokenResponse},
    vault::Provider,
};

use super::{
    check::SentExchange,
    fault::Mutation,
    process::EXCHANGE_TIMEOUT,
    state::{ProcessId, Simulation, SimulationState},
};

pub type Family = usize;

/// All grants of the tenant.
#[derive(Debug)]
pub struct Tenant {
    pub rotates: bool,
    pub leeway: Duration,
    pub life: Duration,
    /// It ends each grant at this age.
    pub grant_life: Duration,
    pub families: Vec<Grant>,
    pub refresh: HashMap<String, IssuedRefreshToken>,
    pub access: HashMap<String, IssuedAccessToken>,
    serial: u64,
}

/// One login's grant.
#[derive(Debug)]
pub struct Grant {
    pub since: Duration,
    pub ended: bool,
    latest: Option<String>,
}

#[derive(Debug)]
pub struct IssuedRefreshToken {
    pub family: Family,
    /// When it was exchanged, if that spends it.
    pub spent: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct IssuedAccessToken {
    pub family: Family,
    /// Increases with each token that the tenant issues.
    pub serial: u64,
    pub expires: Duration,
    /// The refresh token that it was issued for.
    pub of: Option<String>,
    /// How far the wall clock of the process that dated it was ahead of the true time.
    pub dated_ahead: time::Duration,
}

/// The tokens of one response.
#[derive(Debug)]
pub struct IssuedTokens {
    pub access: String,
    pub refresh: Option<String>,
}

/// The tenant's decision on an exchange.
#[derive(Debug)]
pub enum ExchangeResult {
    Granted(IssuedTokens),
    Reuse,
    Refused,
}

impl Tenant {
    pub fn new(rotates: bool, leeway: Duration, life: Duration) -> Self {
        let (families, refresh, access) = (Vec::new(), HashMap::new(), HashMap::new());
        Self { rotates, leeway, life, grant_life: Duration::MAX, families, refresh, access, serial: 0 }
    }

    /// A new grant.
    pub fn log_in(&mut self, now: Duration) -> IssuedTokens {
        self.families.push(Grant { since: now, ended: false, latest: None });
        let family = self.families.len() - 1;
        let refresh = self.new_refresh(family);
        self.tokens(now, family, None, Some(refresh))
    }

    pub fn exchange(&mut self, now: Duration, token: &str) -> ExchangeResult {
        let Some(&IssuedRefreshToken { family, spent }) = self.refresh.get(token) else {
            return ExchangeResult::Refused;
        };
        let grant = &mut self.families[family];
        grant.ended |= now.saturating_sub(grant.since) >= self.grant_life;
        if grant.ended {
            return if spent.is_some() { ExchangeResult::Reuse } else { ExchangeResult::Refused };
        }
        if !self.rotates {
            return ExchangeResult::Granted(self.tokens(now, family, Some(token), None));
        }
        match spent {
            Some(spent) if now > spent + self.leeway || !self.is_previous(token) => {
                self.families[family].ended = true;
                ExchangeResult::Reuse
            }
            _ => {
                self.refresh.insert(token.to_owned(), IssuedRefreshToken { family, spent: spent.or(Some(now)) });
                self.families[family].latest = Some(token.to_owned());
                let fresh = self.new_refresh(family);
                ExchangeResult::Granted(self.tokens(now, family, Some(token), Some(fresh)))
            }
        }
    }

    pub fn revoke(&mut self, token: &str) {
        if let Some(known) = self.refresh.get(token) {
            self.families[known.family].ended = true;
        }
    }

    /// The leeway applies only to the token that was exchanged last.
    fn is_previous(&self, token: &str) -> bool {
        let family = self.refresh[token].family;
        self.families[family].latest.as_deref() == Some(token)
    }

    fn tokens(&mut self, now: Duration, family: Family, of: Option<&str>, refresh: Option<String>) -> IssuedTokens {
        self.serial += 1;
        let access = format!("access-{}", self.serial);
        let expires = now + self.life;
        let made = IssuedAccessToken {
            family,
            serial: self.serial,
            expires,
            of: of.map(str::to_owned),
            dated_ahead: time::Duration::ZERO,
        };
        self.access.insert(access.clone(), made);
        IssuedTokens { access, refresh }
    }

    fn new_refresh(&mut self, family: Family) -> String {
        let name = format!("refresh-{family}-{}", self.refresh.len());
        self.refresh.insert(name.clone(), IssuedRefreshToken { family, spent: None });
        name
    }
}

/// The tenant, as one process reaches it.
#[derive(Clone)]
pub struct SimulatedProvider {
    pub simulation: Simulation,
    pub process: ProcessId,
}

impl std::fmt::Debug for SimulatedProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimulatedProvider({})", self.process)
    }
}

type Response = Result<TokenResponse, ExchangeError>;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Answered,
    NotSent,
    Busy,
    Refused,
    /// The tenant processes it and returns 500.
    FailedAfterProcessing,
    /// No response arrives in time.
    Lost(LostResponse),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LostResponse {
    Cut,
    CutBefore,
    Hangs,
    ArrivesLate,
}

#[async_trait]
impl Provider for SimulatedProvider {
    async fn refresh(&self, token: &RefreshToken) -> Response {
        let receiver = {
            let mut simulation = self.simulation.lock();
            simulation.send_request(self.process, token.secret().clone())
        };
        let response = receiver.await.unwrap_or(Err(ExchangeError::NoResponse { source: "cut".into() }));
        mutated(self.simulation.lock().mutation, response)
    }

    async fn revoke(&self, token: &RefreshToken) -> Result<(), ExchangeError> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut simulation = self.simulation.lock();
            let (process, token) = (self.process, token.secret().clone());
            let request_delay = simulation.random.millis(5..400);
            let lost = simulation.happens(|faults| faults.reply_lost);
            simulation.send(request_delay, move |simulation| {
                simulation.log(format_args!("tenant: revoke {token}"));
                simulation.tenant.revoke(&token);
                simulation.send(Duration::from_millis(30), move |simulation| {
                    simulation.woken.push(process);
                    let response = if lost { Err(ExchangeError::NoResponse { source: "cut".into() }) } else { Ok(()) };
                    let _ = sender.send(response);
                });
            });
        }
        receiver.await.unwrap_or(Err(ExchangeError::NoResponse { source: "cut".into() }))
    }
}

impl SimulationState {
    fn send_request(&mut self, process: ProcessId, token: String) -> oneshot::Receiver<Response> {
        let (sender, receiver) = oneshot::channel();
        self.inject_process_faults(process);
        let outcome = self.outcome();
        let request_delay = match outcome {
            Outcome::Lost(LostResponse::ArrivesLate) => EXCHANGE_TIMEOUT + self.random.millis(0..20_000),
            _ => self.random.millis(5..200),
        };
        let slow = self.happens(|faults| faults.slow);
        // Less than the caller's time limit.
        let response_delay = if slow { self.random.millis(100..9_500) } else { self.random.millis(5..200) };
        self.log(format_args!(
            "p{process} sends {token}: {outcome:?}, back after {:?}",
            request_delay + response_delay
        ));
        let sent = self.record_send(process, &token);
        self.send(request_delay, move |simulation| {
            let response = simulation.process_request(&sent, &token, outcome, response_delay);
            simulation.inject_process_faults(process);
            simulation.store_may_go_away();
            if outcome == Outcome::Lost(LostResponse::Hangs) {
                // Dropped only after every caller has stopped waiting.
                simulation.send(Duration::from_secs(3600), move |_| drop(sender));
                return;
            }
            simulation.send(response_delay, move |simulation| {
                simulation.inject_process_faults(process);
                simulation.woken.push(process);
                let _ = sender.send(response);
            });
        });
        receiver
    }

    fn outcome(&mut self) -> Outcome {
        if self.happens(|faults| faults.reply_lost) {
            return Outcome::Lost(*self.random.pick(&[
                LostResponse::Cut,
                LostResponse::CutBefore,
                LostResponse::Hangs,
                LostResponse::ArrivesLate,
            ]));
        }
        if self.happens(|faults| faults.acts_and_fails) {
            return Outcome::FailedAfterProcessing;
        }
        if self.happens(|faults| faults.busy) {
            return *self.random.pick(&[Outcome::Busy, Outcome::NotSent, Outcome::Refused]);
        }
        Outcome::Answered
    }

    fn process_request(
        &mut self,
        sent: &SentExchange,
        token: &str,
        outcome: Outcome,
        response_delay: Duration,
    ) -> Response {
        match outcome {
            Outcome::NotSent => return Err(ExchangeError::NotSent { source: "refused".into() }),
            Outcome::Busy => return Err(self.busy()),
            Outcome::Refused => return Err(refused(403, "unauthorized_client")),
            Outcome::Lost(LostResponse::CutBefore) => return Err(ExchangeError::NoResponse { source: "cut".into() }),
            Outcome::FailedAfterProcessing => self.check.failed_after_processing(token),
            Outcome::Lost(_) => self.check.reply_lost(token),
            // A response that arrives after the time limit is lost too.
            Outcome::Answered if self.now + response_delay > sent.at + EXCHANGE_TIMEOUT => self.check.reply_lost(token),
            Outcome::Answered => {}
        }
        let exchange = self.check_exchange(sent, token);
        self.log(format_args!("tenant: {token} from p{}: {exchange:?}", sent.process));
        match (exchange, outcome) {
            (_, Outcome::FailedAfterProcessing) => {
                Err(ExchangeError::Unavailable { status: 500, code: None, retry_after: None })
            }
            (_, Outcome::Lost(_)) => Err(ExchangeError::NoResponse { source: "cut".into() }),
            (ExchangeResult::Granted(tokens), _) => {
                if let Some(access) = self.tenant.access.get_mut(&tokens.access) {
                    access.dated_ahead = sent.wall_ahead;
                }
                Ok(self.reply(tokens))
            }
            (ExchangeResult::Reuse | ExchangeResult::Refused, _) => Err(refused(403, "invalid_grant")),
        }
    }

    /// Takes the store down just before a token set is saved, more often than at other times.
    fn store_may_go_away(&mut self) {
        if self.happens(|faults| 20 * faults.store_away) {
            let away = self.random.millis(100..60_000);
            self.log(format_args!("the store is away for {away:?}"));
            self.rows.away_until = self.now + away;
        }
    }

    fn busy(&mut self) -> ExchangeError {
        let told = self.random.chance(500).then(|| self.random.millis(0..30_000));
        ExchangeError::Unavailable { status: *self.random.pick(&[429, 500, 503]), code: None, retry_after: told }
    }

    fn reply(&self, tokens: IssuedTokens) -> TokenResponse {
        TokenResponse {
            access_token: AccessToken::new(tokens.access),
            refresh_token: tokens.refresh.map(RefreshToken::new),
            id_token: None,
            scope: None,
            expires_in: Some(self.tenant.life),
        }
    }
}

fn refused(status: u16, code: &str) -> ExchangeError {
    ExchangeError::refused(status, code.to_owned(), String::new())
}

/// The response as a program with this bug would see it.
fn mutated(mutation: Option<Mutation>, response: Response) -> Response {
    match (mutation, response) {
        (
            Some(Mutation::EveryRefusalIsDead),
            Err(ExchangeError::Unavailable { .. } | ExchangeError::Refused { .. }),
        ) => Err(refused(400, "invalid_grant")),
        (Some(Mutation::MissingTokenOverwrites), Ok(mut reply)) => {
            reply.refresh_token.get_or_insert_with(|| RefreshToken::new("nothing".to_owned()));
            Ok(reply)
        }
        (_, response) => response,
    }
}
