//! gRPC backends in this process.

use mizzen::demo::greeter::Greeter;
use tonic::transport::server::TcpIncoming;

use super::backend::Backend;
use super::netns::Namespace;

/// Starts a greeter called `name` on port 50051 of `namespace`.
pub(crate) fn greeter(namespace: &Namespace, name: &str) -> Backend {
    let service = Greeter::new(name);
    Backend::start(namespace, 50051, |listener, stopped| async {
        let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = tonic::transport::Server::builder().add_service(service);
        let stopped = async { drop(stopped.await) };
        server.serve_with_incoming_shutdown(connections, stopped).await.expect("a server");
    })
}
