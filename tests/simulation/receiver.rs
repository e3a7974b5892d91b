//! The receiver of notifications, and the network between it and the processes.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use videoask_auth::notify::{DeliveryError, Message, Receiver};

use super::state::{ProcessId, Simulation, SimulationState};

/// The events that the receiver accepted, and how often it fails.
#[derive(Debug, Default)]
pub struct Inbox {
    pub received: Vec<ReceivedEvent>,
    pub away_until: Duration,
    /// How many of a thousand deliveries fail.
    pub failures: u64,
    /// After how many of a thousand accepted deliveries the sending process is killed.
    pub kills: u64,
}

/// One event that the receiver accepted.
#[derive(Clone, Debug)]
pub struct ReceivedEvent {
    pub at: Duration,
    pub process: ProcessId,
    /// How often the process that sent it had been killed before.
    pub incarnation: u32,
    pub message: Message,
}

/// One process's connection to the receiver.
#[derive(Clone)]
pub struct SimulatedReceiver {
    pub simulation: Simulation,
    pub process: ProcessId,
}

impl std::fmt::Debug for SimulatedReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimulatedReceiver({})", self.process)
    }
}

type Response = Result<(), DeliveryError>;

#[async_trait]
impl Receiver for SimulatedReceiver {
    async fn deliver(&self, message: &Message) -> Response {
        let response = self.simulation.lock().send_event(self.process, message.clone());
        response.await.unwrap_or(Err(DeliveryError::Broken))
    }
}

impl SimulationState {
    fn send_event(&mut self, process: ProcessId, message: Message) -> oneshot::Receiver<Response> {
        let (sender, receiver) = oneshot::channel();
        self.inject_process_faults(process);
        let response = self.response_of_the_receiver();
        let incarnation = self.status(process).incarnation;
        let request_delay = self.random.millis(1..2_000);
        let response_delay = if response == Err(DeliveryError::Timeout) { 3_000 } else { 0 } + self.random.below(2_000);
        self.send(request_delay, move |simulation| {
            simulation.log(format_args!("p{process} sends {} {}: {response:?}", message.event, message.id));
            if response.is_ok() {
                simulation.inbox.received.push(ReceivedEvent { at: simulation.now, process, incarnation, message });
                if simulation.random.chance(simulation.inbox.kills)
                    && simulation.status(process).incarnation == incarnation
                {
                    simulation.status(process).crash_now = true;
                }
            }
            simulation.send(Duration::from_millis(response_delay), move |simulation| {
                simulation.woken.push(process);
                let _ = sender.send(response);
            });
        });
        receiver
    }

    fn response_of_the_receiver(&mut self) -> Response {
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
