//! Servers in this process, each on a thread and in a network namespace of its own.

use std::future::Future;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::netns::Namespace;

/// A server on a thread of its own, told to stop when dropped.
pub(crate) struct Backend {
    _stop: oneshot::Sender<()>,
}

impl Backend {
    /// Starts a server on a port of `namespace`; returns when it can be called. `serve` ends when its second argument
    /// resolves.
    pub(crate) fn start<F: Future<Output = ()>>(
        namespace: &Namespace,
        port: u16,
        serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> Backend {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let place = namespace.place();
        std::thread::spawn(move || {
            place.enter().expect("root may enter it");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind(("0.0.0.0", port)).await.expect("a port of our own");
                ready.send(()).expect("somebody waits");
                serve(listener, stopped).await;
            });
        });
        is_ready.recv().expect("the backend starts");
        Backend { _stop: stop }
    }

    /// The same for routes of HTTP.
    pub(crate) fn of_routes(namespace: &Namespace, port: u16, routes: axum::Router) -> Backend {
        Self::start(namespace, port, |listener, stopped| async {
            tokio::select! {
                ended = async { axum::serve(listener, routes).await } => ended.expect("a server"),
                _ = stopped => {}
            }
        })
    }
}
