//! Child processes that end with their guard, and whose last words are shown when a test fails.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that does happen, on a machine that is slow and busy. Only a test that fails waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running child process, killed when dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it prints goes to the end of `log`.
    pub(crate) fn start(name: &str, mut command: Command, log: PathBuf) -> Process {
        let output = File::options().create(true).append(true).open(&log).expect("a log file");
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("a second handle")).stderr(output);
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Process { name: name.to_owned(), child, log }
    }

    /// Asks the process to end as an orchestrator does, and waits until it has.
    pub(crate) fn terminate(self) {
        self.ask_to_end();
        self.wait_for_end();
    }

    /// Asks the process to end as an orchestrator does.
    pub(crate) fn ask_to_end(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("the process is ours");
    }

    /// Waits until the process has ended, which it was asked to.
    pub(crate) fn wait_for_end(mut self) {
        let name = self.name.clone();
        eventually(PATIENCE, &format!("{name} to end on SIGTERM"), || {
            self.child.try_wait().expect("the process is ours").map(drop)
        });
    }

    /// Fails if the process has ended by itself.
    pub(crate) fn assert_alive(&mut self) {
        if let Some(status) = self.child.try_wait().expect("the process is ours") {
            panic!("{} ended by itself ({status}):\n{}", self.name, self.last_words());
        }
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- last words of {} ---\n{}", self.name, self.last_words());
        }
    }
}

/// Polls `attempt` until it gives a value; fails after `limit`, naming what was waited for.
pub(crate) fn eventually<T>(limit: Duration, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs `command` to its end and returns what it printed; fails with its error output otherwise.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {errors}");
    String::from_utf8(output.stdout).expect("programs print text")
}
