//! gRPC backends in this process.

use mizzen::demo::greeter::Greeter;
use tokio::sync::oneshot;
use tonic::transport::server::TcpIncoming;

use super::netns::Namespace;

/// A gRPC backend on a thread of its own, ended when dropped.
pub(crate) struct Backend {
    _stop: oneshot::Sender<()>,
}

impl Backend {
    /// A backend that ends when `stop` is dropped.
    pub(crate) fn stopped_by(stop: oneshot::Sender<()>) -> Backend {
        Backend { _stop: stop }
    }
}

/// Starts a greeter called `name` on port 50051 of `namespace`.
pub(crate) fn greeter(namespace: &Namespace, name: &str) -> Backend {
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let (place, service) = (namespace.place(), Greeter::new(name));
    std::thread::spawn(move || {
        place.enter().expect("root may enter it");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(("0.0.0.0", 50051)).await.expect("a port of our own");
            ready.send(()).expect("somebody waits");
            let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
            let stopped = async { drop(stopped.await) };
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming_shutdown(connections, stopped).await.expect("a server");
        });
    });
    is_ready.recv().expect("the backend starts");
    Backend::stopped_by(stop)
}
