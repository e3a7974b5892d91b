//! Who is notified, and the wire to it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use videoask_auth::notify::{DeliveryError, Message, Receiver};

use super::world::{Inner, ProcessId, World};

/// What the receiver got, and how well it works.
#[derive(Debug, Default)]
pub struct Inbox {
    pub received: Vec<Receipt>,
    pub away_until: Duration,
    /// How often, of a thousand, it fails.
    pub failures: u64,
    /// How often, of a thousand, a process is killed after the receiver has accepted what it sent.
    pub kills: u64,
}

/// One event that the receiver accepted.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub at: Duration,
    pub process: ProcessId,
    /// How often the process that sent it had been killed before.
    pub life: u32,
    pub message: Message,
}

/// The receiver, as one process reaches it.
#[derive(Clone)]
pub struct SimulatedReceiver {
    pub world: World,
    pub process: ProcessId,
}

impl std::fmt::Debug for SimulatedReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimulatedReceiver({})", self.process)
    }
}

type Answer = Result<(), DeliveryError>;

#[async_trait]
impl Receiver for SimulatedReceiver {
    async fn deliver(&self, message: &Message) -> Answer {
        let answer = self.world.lock().post_event(self.process, message.clone());
        answer.await.unwrap_or(Err(DeliveryError::Broken))
    }
}

impl Inner {
    fn post_event(&mut self, process: ProcessId, message: Message) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.hit(process);
        let answer = self.answer_of_the_receiver();
        let life = self.health(process).life;
        let there = self.random.millis(1..2_000);
        let back = if answer == Err(DeliveryError::Timeout) { 3_000 } else { 0 } + self.random.below(2_000);
        self.send(there, move |world| {
            world.tell(format_args!("p{process} sends {} {}: {answer:?}", message.event, message.id));
            if answer.is_ok() {
                world.inbox.received.push(Receipt { at: world.now, process, life, message });
                if world.random.chance(world.inbox.kills) && world.health(process).life == life {
                    world.health(process).crash_now = true;
                }
            }
            world.send(Duration::from_millis(back), move |world| {
                world.touched.push(process);
                let _ = sender.send(answer);
            });
        });
        receiver
    }

    fn answer_of_the_receiver(&mut self) -> Answer {
        if self.now < self.inbox.away_until {
            return Err(DeliveryError::Unreachable);
        }
        if self.random.chance(self.inbox.failures) {
            let failures = [500, 429, 302].map(DeliveryError::Status).into_iter();
            let failures: Vec<_> = failures.chain([DeliveryError::Timeout, DeliveryError::Broken]).collect();
            return Err(*self.random.pick(&failures));
        }
        Ok(())
    }
}
