//! What the demonstration shows, told while it happens. A scene that does not come true is an `Err` with the reason.

use std::time::{Duration, Instant};

use super::files::TRAFFIC;
use super::load::{Call, Load, by_backend, calls_on_one_connection, failures};
use super::mysql;
use super::stage::{DATABASES, GREETER, Stage};

const CALLS: usize = 120;
const BACKENDS: [&str; 3] = ["greeter-v1-a", "greeter-v1-b", "greeter-v2"];
/// Within which an edit must be in force.
const IN_FORCE: Duration = Duration::from_secs(1);

/// One gRPC connection, several backends.
pub(super) fn one_connection(stage: &Stage) -> Result<(), String> {
    println!("\n1. One gRPC connection, three backends");
    let target = stage.greeter()?;
    println!("   The client dials {}:{} ({}) once and makes {CALLS} calls:", GREETER.0, GREETER.1, target.address);
    let (calls, connections) = calls_on_one_connection(&stage.client, &target, CALLS)?;
    print_shares(&calls);
    all_answered(&calls)?;
    if connections != 1 {
        return Err(format!("the client made {connections} connections, not one"));
    }
    let silent = BACKENDS.iter().find(|backend| !by_backend(&calls).contains_key(*backend));
    silent.map_or(Ok(()), |backend| Err(format!("{backend} answered no call")))
}

/// Two database servers on one port. Returns whether they were told apart by name, not only reached.
pub(super) fn two_databases(stage: &Stage) -> Result<bool, String> {
    println!("\n2. Two database servers on port 3306");
    let mut named = true;
    for (index, (host, _, expected)) in DATABASES.iter().enumerate() {
        let (address, by_name) = stage.database(index)?;
        let answer = stage.client.run(|| mysql::server_id(address)).and_then(|answer| answer);
        let id = answer.map_err(|error| format!("{host} at {address}: {error}"))?;
        println!("   {host} ({address}): SELECT @@server_id is {id}");
        if id != *expected {
            return Err(format!("{host} is server {expected}, but server {id} answered"));
        }
        named &= by_name;
    }
    Ok(named)
}

/// An edit of the folder that moves traffic while calls go on, and one that moves it back.
pub(super) fn an_edit(stage: &Stage) -> Result<(), String> {
    println!("\n3. An edit of {TRAFFIC} under load");
    let load = Load::start(stage.client.clone(), stage.greeter()?);
    let started = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    println!("   Weights v1 60, v2 40:");
    print_shares(&load.calls_since(started));

    let edited = Instant::now();
    stage.folder.set_weights(0, 100).map_err(|error| error.to_string())?;
    std::thread::sleep(IN_FORCE + Duration::from_secs(1));
    let since = load.calls_since(edited);
    let old =
        since.iter().filter(|call| call.outcome.as_deref().is_ok_and(|backend| backend.starts_with("greeter-v1")));
    let in_force = old.map(|call| call.begun.duration_since(edited)).max().unwrap_or_default();
    println!("   Weights v1 0, v2 100: the last call that v1 answered was begun {in_force:.0?} after the edit; then:");
    print_shares(&load.calls_since(edited + in_force + Duration::from_nanos(1)));

    stage.folder.set_weights(60, 40).map_err(|error| error.to_string())?;
    std::thread::sleep(IN_FORCE);
    let back = Instant::now();
    let mut returned = Vec::new();
    // As long as it takes on a busy machine, within reason.
    while by_backend(&returned).len() < BACKENDS.len() && back.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_secs(1));
        returned = load.calls_since(back);
    }
    println!("   And back:");
    print_shares(&returned);

    let calls = load.end();
    println!("   {} calls in all, {} failed", calls.len(), failures(&calls).len());
    all_answered(&calls)?;
    if in_force > IN_FORCE {
        return Err(format!("the edit was in force after {in_force:?} only"));
    }
    if by_backend(&returned).len() < BACKENDS.len() {
        return Err("after the edit back, not every backend is called again".to_owned());
    }
    Ok(())
}

/// Who answers now, one line for a round of calls; for as long as the demonstration runs on.
pub(super) fn a_round(stage: &Stage) -> Result<String, String> {
    let (calls, _) = calls_on_one_connection(&stage.client, &stage.greeter()?, 50)?;
    let shares = by_backend(&calls).into_iter().map(|(backend, count)| format!("{backend} {count}"));
    Ok(shares.collect::<Vec<_>>().join("   "))
}

fn print_shares(calls: &[Call]) {
    let counts = by_backend(calls);
    for (backend, count) in &counts {
        let share = count * 40 / calls.len().max(1);
        println!("     {backend:<14}{count:>6}  {}", "#".repeat(share));
    }
}

fn all_answered(calls: &[Call]) -> Result<(), String> {
    match failures(calls).as_slice() {
        [] if calls.is_empty() => Err("no call was made".to_owned()),
        [] => Ok(()),
        [first, ..] => Err(format!("{} of {} calls failed, the first {first}", failures(calls).len(), calls.len())),
    }
}
