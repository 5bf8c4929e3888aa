//! An agent's server of secrets, as much of one as a proxy needs: its certificate and the mesh's roots, at a socket.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use envoy_types::pb::envoy::config::core::v3::DataSource;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, Secret, TlsCertificate,
};
use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use prost::{Message, Name};
use tokio_stream::StreamExt;
use tonic::Streaming;
use tonic_prost::ProstCodec;

use super::certificates::Certificate;

/// Serves a certificate and the authority that is trusted for as long as the process lives; where.
pub(crate) fn serve(directory: &Path, name: &str, own: &Certificate, roots: &Certificate) -> PathBuf {
    let socket = directory.join(format!("{name}.sds"));
    let read = |path: &Path| DataSource {
        specifier: Some(Specifier::InlineBytes(std::fs::read(path).expect("it was made"))),
        ..DataSource::default()
    };
    let certificate = TlsCertificate {
        certificate_chain: Some(read(&own.certificate)),
        private_key: Some(read(&own.key)),
        ..TlsCertificate::default()
    };
    let trusted = CertificateValidationContext { trusted_ca: Some(read(&roots.certificate)), ..Default::default() };
    let secrets = [("default", Type::TlsCertificate(certificate)), ("ROOTCA", Type::ValidationContext(trusted))];
    let secrets = secrets.map(|(name, secret)| Secret { name: name.to_owned(), r#type: Some(secret) });
    let (ready, is_ready) = std::sync::mpsc::channel();
    let path = socket.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::UnixListener::bind(&path).expect("a path of our own");
            // The proxy runs as another user.
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).expect("it is ours");
            ready.send(()).expect("somebody waits");
            let routes = axum::Router::new().fallback(async move |request| stream(request, secrets).await);
            axum::serve(listener, routes).await.expect("a server");
        });
    });
    is_ready.recv().expect("the server starts");
    socket
}

/// Each secret that is asked for is answered once; the stream stays.
async fn stream(request: Request, secrets: [Secret; 2]) -> Response {
    let answer = move |request: DiscoveryRequest| {
        let asked = secrets.iter().find(|secret| request.resource_names.first() == Some(&secret.name))?;
        let resource =
            envoy_types::pb::google::protobuf::Any { type_url: Secret::type_url(), value: asked.encode_to_vec() };
        request.version_info.is_empty().then(|| DiscoveryResponse {
            version_info: "1".to_owned(),
            nonce: "1".to_owned(),
            type_url: Secret::type_url(),
            resources: vec![resource],
            ..DiscoveryResponse::default()
        })
    };
    let serve = tower::service_fn(move |request: tonic::Request<Streaming<DiscoveryRequest>>| {
        let answer = answer.clone();
        let answers = request.into_inner().filter_map(move |asked| answer(asked.ok()?).map(Ok::<_, tonic::Status>));
        std::future::ready(Ok::<_, tonic::Status>(tonic::Response::new(answers)))
    });
    let codec = ProstCodec::<DiscoveryResponse, DiscoveryRequest>::default();
    tonic::server::Grpc::new(codec).streaming(serve, request).await.into_response()
}
