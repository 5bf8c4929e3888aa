//! The demonstration, as somebody runs it who has just cloned this.

use std::process::{Command, Output};

use crate::support::envoy;
use crate::support::mesh::wait_for_turn;

fn demo(configure: impl FnOnce(&mut Command)) -> Output {
    let _alone = wait_for_turn();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mizzen"));
    command.args(["demo", "--once"]).env("ENVOY", envoy::binary());
    configure(&mut command);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn all_that_the_demonstration_claims_happens() {
    // Among its claims is one of a second; now and then the machine may be busy with something else for that long.
    let slow = |output: &Output| said(output).contains("the edit was in force after");
    let mut outputs = (0..3).map(|_| demo(|_| {}));
    let output = outputs.find(|output| !slow(output)).expect("one of three is fast");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("All of it happened as claimed."), "{}", said(&output));
}

#[test]
fn where_nothing_can_be_captured_the_demonstration_says_so_and_shows_the_rest() {
    let output = demo(|command| {
        // Without `unshare` there is no way to make a namespace.
        command.env("PATH", "/nowhere");
    });
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).starts_with("This system does not let this user make network namespaces"));
}
