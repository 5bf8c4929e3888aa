//! Steady gRPC traffic from inside a workload, every call recorded.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use mizzen::demo::greeter::hello;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

use super::netns::{Namespace, enter};
use super::process::eventually;

/// A call that was answered or failed.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// When it was begun.
    pub(crate) begun: Instant,
    /// Who answered, or what went wrong.
    pub(crate) outcome: Result<String, String>,
}

/// A connection of an application: `authority` is the name it dialled, `address` what that resolved to. Every
/// connection made is counted.
pub(crate) async fn connect(
    address: SocketAddr,
    authority: &str,
    connections: &Arc<AtomicUsize>,
) -> Result<Channel, String> {
    let connections = connections.clone();
    let connector = tower::service_fn(move |_: http::Uri| {
        connections.fetch_add(1, Ordering::Relaxed);
        async move { TcpStream::connect(address).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_shared(format!("http://{authority}")).expect("a host and a port");
    let endpoint = endpoint.connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(5));
    endpoint.connect_with_connector(connector).await.map_err(|error| format!("cannot connect: {error:?}"))
}

/// Calls without end: three callers share one connection, a fourth makes a new one for each call.
pub(crate) struct Load {
    calls: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Load {
    /// Starts calling `authority` at `address` from inside `namespace`.
    pub(crate) fn start(namespace: &Namespace, address: SocketAddr, authority: &str) -> Load {
        let (calls, stop) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::<AtomicBool>::default());
        let caller = Caller { address, authority: authority.to_owned(), calls: calls.clone(), stop: stop.clone() };
        let path = namespace.path();
        let thread = std::thread::spawn(move || {
            enter(&path);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(caller.call_on());
        });
        Load { calls, stop, thread: Some(thread) }
    }

    /// Waits until `limit` after `start`, when a change must be in force, and returns what the next `count` calls met.
    pub(crate) fn calls_after(&self, start: Instant, limit: Duration, count: usize) -> Vec<Call> {
        let from = start + limit;
        eventually(limit + Duration::from_secs(20), "calls to be made", || {
            let calls = self.calls.lock().expect("no caller panics");
            let after: Vec<Call> = calls.iter().filter(|call| call.begun >= from).take(count).cloned().collect();
            (after.len() == count).then_some(after)
        })
    }

    /// Ends the load and returns all calls.
    pub(crate) fn end(mut self) -> Vec<Call> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("ended once").join().expect("no caller panics");
        std::mem::take(&mut self.calls.lock().expect("no caller panics"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[derive(Clone)]
struct Caller {
    address: SocketAddr,
    authority: String,
    calls: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
}

impl Caller {
    async fn call_on(self) {
        let shared = connect(self.address, &self.authority, &Arc::default()).await.expect("the load's own connection");
        let on_shared =
            || self.repeat(async || hello(shared.clone(), "load").await.map_err(|status| status.to_string()));
        let anew = self.repeat(async || {
            let channel = connect(self.address, &self.authority, &Arc::default()).await?;
            hello(channel, "load").await.map_err(|status| status.to_string())
        });
        tokio::join!(on_shared(), on_shared(), on_shared(), anew);
    }

    async fn repeat(&self, mut call: impl AsyncFnMut() -> Result<String, String>) {
        while !self.stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let outcome = call().await;
            self.calls.lock().expect("no caller panics").push(Call { begun, outcome });
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }
}

/// Fails if any of `calls` failed, telling the first few and when.
pub(crate) fn assert_none_failed(calls: &[Call]) {
    let start = calls.first().expect("calls were made").begun;
    let failed = calls.iter().filter_map(|call| {
        let error = call.outcome.as_ref().err()?;
        Some(format!("after {:?}: {error}", call.begun.duration_since(start)))
    });
    let failed: Vec<String> = failed.collect();
    assert!(
        failed.is_empty(),
        "{} of {} calls failed: {:#?}",
        failed.len(),
        calls.len(),
        &failed[..failed.len().min(5)]
    );
}

/// How many of `calls` each backend answered; failed calls are counted as `failed`.
pub(crate) fn by_backend(calls: &[Call]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.outcome.as_deref().unwrap_or("failed")).or_default() += 1;
    }
    counts
}
