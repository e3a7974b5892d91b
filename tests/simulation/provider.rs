//! A tenant of Auth0: rotation, reuse detection, leeway; and the wire to it.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use oauth2::{AccessToken, RefreshToken};
use tokio::sync::oneshot;
use videoask_auth::{
    provider::{ExchangeError, TokenResponse},
    vault::Provider,
};

use super::{
    check::Sent,
    fault::Mutation,
    process::EXCHANGE_TIMEOUT,
    world::{Inner, ProcessId, World},
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
    pub refresh: HashMap<String, Refresh>,
    pub access: HashMap<String, Access>,
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
pub struct Refresh {
    pub family: Family,
    /// When it was exchanged, where that spends it.
    pub spent: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct Access {
    pub family: Family,
    /// Rises with each token the tenant makes.
    pub serial: u64,
    pub expires: Duration,
    /// The refresh token that it was given for.
    pub of: Option<String>,
    /// How far the wall clock that dated it was ahead of the true time.
    pub dated_ahead: time::Duration,
}

/// What the tenant made.
#[derive(Debug)]
pub struct Pair {
    pub access: String,
    pub refresh: Option<String>,
}

/// What the tenant found in an exchange.
#[derive(Debug)]
pub enum Exchange {
    Granted(Pair),
    Reuse,
    Refused,
}

impl Tenant {
    pub fn new(rotates: bool, leeway: Duration, life: Duration) -> Self {
        let (families, refresh, access) = (Vec::new(), HashMap::new(), HashMap::new());
        Self { rotates, leeway, life, grant_life: Duration::MAX, families, refresh, access, serial: 0 }
    }

    /// A new grant.
    pub fn log_in(&mut self, now: Duration) -> Pair {
        self.families.push(Grant { since: now, ended: false, latest: None });
        let family = self.families.len() - 1;
        let refresh = self.new_refresh(family);
        self.pair(now, family, None, Some(refresh))
    }

    pub fn exchange(&mut self, now: Duration, token: &str) -> Exchange {
        let Some(&Refresh { family, spent }) = self.refresh.get(token) else { return Exchange::Refused };
        let grant = &mut self.families[family];
        grant.ended |= now.saturating_sub(grant.since) >= self.grant_life;
        if grant.ended {
            return if spent.is_some() { Exchange::Reuse } else { Exchange::Refused };
        }
        if !self.rotates {
            return Exchange::Granted(self.pair(now, family, Some(token), None));
        }
        match spent {
            Some(spent) if now > spent + self.leeway || !self.is_previous(token) => {
                self.families[family].ended = true;
                Exchange::Reuse
            }
            _ => {
                self.refresh.insert(token.to_owned(), Refresh { family, spent: spent.or(Some(now)) });
                self.families[family].latest = Some(token.to_owned());
                let fresh = self.new_refresh(family);
                Exchange::Granted(self.pair(now, family, Some(token), Some(fresh)))
            }
        }
    }

    pub fn revoke(&mut self, token: &str) {
        if let Some(known) = self.refresh.get(token) {
            self.families[known.family].ended = true;
        }
    }

    /// Leeway forgives the token that was exchanged last, and none before it.
    fn is_previous(&self, token: &str) -> bool {
        let family = self.refresh[token].family;
        self.families[family].latest.as_deref() == Some(token)
    }

    fn pair(&mut self, now: Duration, family: Family, of: Option<&str>, refresh: Option<String>) -> Pair {
        self.serial += 1;
        let access = format!("access-{}", self.serial);
        let expires = now + self.life;
        let made = Access {
            family,
            serial: self.serial,
            expires,
            of: of.map(str::to_owned),
            dated_ahead: time::Duration::ZERO,
        };
        self.access.insert(access.clone(), made);
        Pair { access, refresh }
    }

    fn new_refresh(&mut self, family: Family) -> String {
        let name = format!("refresh-{family}-{}", self.refresh.len());
        self.refresh.insert(name.clone(), Refresh { family, spent: None });
        name
    }
}

/// The tenant, as one process reaches it.
#[derive(Clone)]
pub struct SimulatedProvider {
    pub world: World,
    pub process: ProcessId,
}

impl std::fmt::Debug for SimulatedProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimulatedProvider({})", self.process)
    }
}

type Answer = Result<TokenResponse, ExchangeError>;

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    NotSent,
    Busy,
    Refused,
    /// The tenant acts, and says 500.
    Denied,
    /// The tenant acts; the wire is cut, or the answer hangs.
    Lost(Loss),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Cut,
    CutBefore,
    Hangs,
    ArrivesLate,
}

#[async_trait]
impl Provider for SimulatedProvider {
    async fn refresh(&self, token: &RefreshToken) -> Answer {
        let receiver = {
            let mut world = self.world.lock();
            world.post(self.process, token.secret().clone())
        };
        let answer = receiver.await.unwrap_or(Err(ExchangeError::NoResponse { source: "cut".into() }));
        mutated(self.world.lock().mutation, answer)
    }

    async fn revoke(&self, token: &RefreshToken) -> Result<(), ExchangeError> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut world = self.world.lock();
            let (process, token) = (self.process, token.secret().clone());
            let there = world.random.millis(5..400);
            let lost = world.happens(|faults| faults.reply_lost);
            world.send(there, move |world| {
                world.tell(format_args!("tenant: revoke {token}"));
                world.tenant.revoke(&token);
                world.send(Duration::from_millis(30), move |world| {
                    world.touched.push(process);
                    let answer = if lost { Err(ExchangeError::NoResponse { source: "cut".into() }) } else { Ok(()) };
                    let _ = sender.send(answer);
                });
            });
        }
        receiver.await.unwrap_or(Err(ExchangeError::NoResponse { source: "cut".into() }))
    }
}

impl Inner {
    fn post(&mut self, process: ProcessId, token: String) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.hit(process);
        let fate = self.fate();
        let there = match fate {
            Fate::Lost(Loss::ArrivesLate) => EXCHANGE_TIMEOUT + self.random.millis(0..20_000),
            _ => self.random.millis(5..200),
        };
        let slow = self.happens(|faults| faults.slow);
        // An answer that takes longer than this is lost to a caller that stops waiting.
        let back = if slow { self.random.millis(100..9_500) } else { self.random.millis(5..200) };
        self.tell(format_args!("p{process} sends {token}: {fate:?}, back after {:?}", there + back));
        let sent = self.note_send(process, &token);
        self.send(there, move |world| {
            let answer = world.arrive(&sent, &token, fate, back);
            world.hit(process);
            world.store_may_go_away();
            if fate == Fate::Lost(Loss::Hangs) {
                // Kept on the wire for longer than anybody waits.
                world.send(Duration::from_secs(3600), move |_| drop(sender));
                return;
            }
            world.send(back, move |world| {
                world.hit(process);
                world.touched.push(process);
                let _ = sender.send(answer);
            });
        });
        receiver
    }

    fn fate(&mut self) -> Fate {
        if self.happens(|faults| faults.reply_lost) {
            return Fate::Lost(*self.random.pick(&[Loss::Cut, Loss::CutBefore, Loss::Hangs, Loss::ArrivesLate]));
        }
        if self.happens(|faults| faults.acts_and_denies) {
            return Fate::Denied;
        }
        if self.happens(|faults| faults.busy) {
            return *self.random.pick(&[Fate::Busy, Fate::NotSent, Fate::Refused]);
        }
        Fate::Answered
    }

    fn arrive(&mut self, sent: &Sent, token: &str, fate: Fate, back: Duration) -> Answer {
        match fate {
            Fate::NotSent => return Err(ExchangeError::NotSent { source: "refused".into() }),
            Fate::Busy => return Err(self.busy()),
            Fate::Refused => return Err(refused(403, "unauthorized_client")),
            Fate::Lost(Loss::CutBefore) => return Err(ExchangeError::NoResponse { source: "cut".into() }),
            Fate::Denied => self.check.denied(token),
            Fate::Lost(_) => self.check.reply_lost(token),
            // An answer that comes when nobody waits for it is lost too.
            Fate::Answered if self.now + back > sent.at + EXCHANGE_TIMEOUT => self.check.reply_lost(token),
            Fate::Answered => {}
        }
        let outcome = self.check_exchange(sent, token);
        self.tell(format_args!("tenant: {token} from p{}: {outcome:?}", sent.process));
        match (outcome, fate) {
            (_, Fate::Denied) => Err(ExchangeError::Unavailable { status: 500, code: None, retry_after: None }),
            (_, Fate::Lost(_)) => Err(ExchangeError::NoResponse { source: "cut".into() }),
            (Exchange::Granted(pair), _) => {
                if let Some(access) = self.tenant.access.get_mut(&pair.access) {
                    access.dated_ahead = sent.wall_ahead;
                }
                Ok(self.reply(pair))
            }
            (Exchange::Reuse | Exchange::Refused, _) => Err(refused(403, "invalid_grant")),
        }
    }

    /// The worst moment for it: something is about to be saved.
    fn store_may_go_away(&mut self) {
        if self.happens(|faults| 20 * faults.store_away) {
            let away = self.random.millis(100..60_000);
            self.tell(format_args!("the store is away for {away:?}"));
            self.rows.away_until = self.now + away;
        }
    }

    fn busy(&mut self) -> ExchangeError {
        let told = self.random.chance(500).then(|| self.random.millis(0..30_000));
        ExchangeError::Unavailable { status: *self.random.pick(&[429, 500, 503]), code: None, retry_after: told }
    }

    fn reply(&self, pair: Pair) -> TokenResponse {
        TokenResponse {
            access_token: AccessToken::new(pair.access),
            refresh_token: pair.refresh.map(RefreshToken::new),
            id_token: None,
            scope: None,
            expires_in: Some(self.tenant.life),
        }
    }
}

fn refused(status: u16, code: &str) -> ExchangeError {
    ExchangeError::refused(status, code.to_owned(), String::new())
}

/// What a tool with that fault would make of an answer.
fn mutated(mutation: Option<Mutation>, answer: Answer) -> Answer {
    match (mutation, answer) {
        (
            Some(Mutation::EveryRefusalIsDeath),
            Err(ExchangeError::Unavailable { .. } | ExchangeError::Refused { .. }),
        ) => Err(refused(400, "invalid_grant")),
        (Some(Mutation::MissingTokenOverwrites), Ok(mut reply)) => {
            reply.refresh_token.get_or_insert_with(|| RefreshToken::new("nothing".to_owned()));
            Ok(reply)
        }
        (_, answer) => answer,
    }
}
