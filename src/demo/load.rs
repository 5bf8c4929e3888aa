//! Steady calls of the greeter from one place, each recorded.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

use super::greeter::hello;
use super::place::Place;

/// Pause of a caller between two calls.
const PAUSE: Duration = Duration::from_millis(3);
const LIMIT: Duration = Duration::from_secs(5);

/// The greeter as an application knows it.
#[derive(Clone, Debug)]
pub struct Target {
    /// What its name resolved to.
    pub address: SocketAddr,
    /// The name and port that were dialled.
    pub authority: String,
}

/// A call that was answered or failed.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it was begun.
    pub begun: Instant,
    /// Who answered, or what went wrong.
    pub outcome: Result<String, String>,
}

impl Target {
    /// One connection to the greeter; every TCP connection that this makes is counted in `connections`.
    ///
    /// # Errors
    /// What kept the connection from being made.
    pub async fn connect(&self, connections: &Arc<AtomicUsize>) -> Result<Channel, String> {
        let (connections, address) = (connections.clone(), self.address);
        let connector = tower::service_fn(move |_: http::Uri| {
            connections.fetch_add(1, Ordering::Relaxed);
            async move {
                let stream = TcpStream::connect(address).await?;
                // Or a call waits for the acknowledgement of the one before.
                stream.set_nodelay(true)?;
                Ok::<_, std::io::Error>(TokioIo::new(stream))
            }
        });
        let endpoint =
            Endpoint::from_shared(format!("http://{}", self.authority)).map_err(|error| error.to_string())?;
        let endpoint = endpoint.connect_timeout(LIMIT).timeout(LIMIT);
        endpoint.connect_with_connector(connector).await.map_err(|error| format!("cannot connect: {error:?}"))
    }

    async fn call(&self, channel: Channel) -> Result<String, String> {
        hello(channel, "you").await.map_err(|status| status.to_string())
    }
}

/// `count` calls, one after the other, on one connection from `place`; returns them and how many TCP connections
/// were made for them.
///
/// # Errors
/// No connection could be made.
pub fn calls_on_one_connection(place: &Place, target: &Target, count: usize) -> Result<(Vec<Call>, usize), String> {
    let connections = Arc::<AtomicUsize>::default();
    let calls = place.run(|| {
        block_on(async {
            let channel = target.connect(&connections).await?;
            let mut calls = Vec::with_capacity(count);
            for _ in 0..count {
                let begun = Instant::now();
                calls.push(Call { begun, outcome: target.call(channel.clone()).await });
            }
            Ok::<_, String>(calls)
        })
    });
    let calls = calls.map_err(|error| error.to_string())???;
    Ok((calls, connections.load(Ordering::Relaxed)))
}

/// Calls without end: three callers share one connection, a fourth makes a new one for each call.
pub struct Load {
    calls: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Load {
    /// Starts calling `target` from `place`. A connection that cannot be made is a call that failed.
    pub fn start(place: Place, target: Target) -> Load {
        let (calls, stop) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::<AtomicBool>::default());
        let callers = Callers { target, calls: calls.clone(), stop: stop.clone() };
        let thread = std::thread::spawn(move || {
            let outcome = place.enter().map_err(|error| error.to_string());
            if let Err(error) = outcome.and_then(|()| block_on(callers.call_on())) {
                callers.record(Instant::now(), Err(error));
            }
        });
        Load { calls, stop, thread: Some(thread) }
    }

    /// The calls begun at `from` or later that have come to their end.
    pub fn calls_since(&self, from: Instant) -> Vec<Call> {
        // A panic while pushing leaves a usable list.
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|call| call.begun >= from).cloned().collect()
    }

    /// Forgets the calls begun before `from`.
    pub fn forget(&self, from: Instant) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).retain(|call| call.begun >= from);
    }

    /// Ends the load and returns all calls that it remembers.
    pub fn end(mut self) -> Vec<Call> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic is on standard error; the calls made before it count.
            let _ = thread.join();
        }
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Callers {
    target: Target,
    calls: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
}

impl Callers {
    async fn call_on(&self) -> Result<(), String> {
        let connections = Arc::default();
        let shared = self.target.connect(&connections).await?;
        let on_shared = || self.repeat(async || self.target.call(shared.clone()).await);
        let anew = self.repeat(async || {
            let channel = self.target.connect(&connections).await?;
            self.target.call(channel).await
        });
        tokio::join!(on_shared(), on_shared(), on_shared(), anew);
        Ok(())
    }

    async fn repeat(&self, mut call: impl AsyncFnMut() -> Result<String, String>) {
        while !self.stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            self.record(begun, call().await);
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn record(&self, begun: Instant, outcome: Result<String, String>) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call { begun, outcome });
    }
}

/// Runs `work` to its end on a runtime of the calling thread's own, whose connections begin where the thread is.
///
/// # Errors
/// The system gave no event queue.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| error.to_string())?.block_on(work))
}

/// How many of `calls` each backend answered; failed calls are counted as `failed`.
pub fn by_backend(calls: &[Call]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.outcome.as_deref().unwrap_or("failed")).or_default() += 1;
    }
    counts
}

/// What went wrong with those of `calls` that failed, and when after the first.
pub fn failures(calls: &[Call]) -> Vec<String> {
    let start = calls.first().map(|call| call.begun);
    let failed = calls.iter().filter_map(|call| {
        let after = start.map(|start| call.begun.saturating_duration_since(start)).unwrap_or_default();
        Some(format!("after {after:?}: {}", call.outcome.as_ref().err()?))
    });
    failed.collect()
}
