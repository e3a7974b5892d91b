//! The webhook receiver in docs/operations.md.

use std::process::Command;

use crate::{
    documents::{blocks, shell},
    support::{Deployment, Program, documents::Proof, ports::ReservedPort, until},
};

#[test]
fn the_receiver_in_the_docs_prints_the_test_event() {
    let deployment = Deployment::keeping();
    let [receiver, check] = &blocks(Proof::Notifications)[..] else { panic!("two blocks") };
    let port = ReservedPort::new();
    let on_port = |text: &str| text.replace("9000", &port.number().to_string());
    // `exec` replaces the shell by Python, so that dropping the `Program` kills Python itself.
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {}", on_port(&receiver.text))]);
    let mut receiver = Program::start(command);
    until("a receiver that listens", || {
        let output = shell(&on_port(&check.text), deployment.path(), &[]);
        output.status.success().then_some(())
    });
    let event = receiver.line(Program::stdout, "{");
    assert!(event.contains("\"event\":\"test\""), "{event}");
}
