//! A gRPC service with a call of one answer and a call of streams, and its client.

use std::convert::Infallible;

use mizzen::demo::greeter::{HelloReply, HelloRequest};
use tokio_stream::StreamExt;
use tonic::Streaming;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::transport::server::TcpIncoming;
use tonic_prost::ProstCodec;

use crate::support::backend::Backend;
use crate::support::netns::Namespace;

const HELLO: &str = "/demo.Greeter/Hello";
const TALK: &str = "/demo.Greeter/Talk";
/// So many answers follow each question of a talk.
pub(crate) const ANSWERS: usize = 3;

#[derive(Clone)]
struct Greeter;

impl tonic::server::NamedService for Greeter {
    const NAME: &'static str = "demo.Greeter";
}

impl tower::Service<http::Request<Body>> for Greeter {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<HelloReply, HelloRequest>::default());
            Ok(match request.uri().path() {
                HELLO => grpc.unary(tower::service_fn(hello_reply), request).await,
                TALK => grpc.streaming(tower::service_fn(talk_reply), request).await,
                _ => tonic::Status::unimplemented("demo.Greeter has Hello and Talk").into_http(),
            })
        })
    }
}

/// The headers of traces come back in the answer, so that callers see what reached the application.
async fn hello_reply(request: tonic::Request<HelloRequest>) -> Result<tonic::Response<HelloReply>, tonic::Status> {
    let headers = request.metadata().clone().into_headers();
    let trace = headers.get("x-b3-traceid").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    Ok(tonic::Response::new(HelloReply { message: trace, served_by: "greeter".to_owned() }))
}

type Answers = tokio_stream::Iter<std::vec::IntoIter<Result<HelloReply, tonic::Status>>>;

async fn talk_reply(
    request: tonic::Request<Streaming<HelloRequest>>,
) -> Result<tonic::Response<Answers>, tonic::Status> {
    let mut questions = request.into_inner();
    let mut answers = Vec::new();
    while let Some(question) = questions.next().await {
        let message = question?.name;
        let answer = HelloReply { message, served_by: "greeter".to_owned() };
        answers.extend((0..ANSWERS).map(|_| Ok(answer.clone())));
    }
    Ok(tonic::Response::new(tokio_stream::iter(answers)))
}

/// Starts a greeter on port 50051 of `namespace`.
pub(crate) fn serve(namespace: &Namespace) -> Backend {
    Backend::start(namespace, 50051, |listener, stopped| async {
        let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = tonic::transport::Server::builder().add_service(Greeter);
        let stopped = async { drop(stopped.await) };
        server.serve_with_incoming_shutdown(connections, stopped).await.expect("a server");
    })
}

/// A call of one answer with some headers; returns the trace that reached the greeter.
pub(crate) async fn hello(channel: Channel, headers: &[(String, String)]) -> Result<String, tonic::Status> {
    let mut request = tonic::Request::new(HelloRequest { name: "you".to_owned() });
    for (name, value) in headers {
        let key: tonic::metadata::MetadataKey<tonic::metadata::Ascii> = name.parse().expect("a header's name");
        request.metadata_mut().insert(key, value.parse().expect("a header's value"));
    }
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let codec = ProstCodec::<HelloRequest, HelloReply>::default();
    let reply = client.unary(request, http::uri::PathAndQuery::from_static(HELLO), codec).await?;
    Ok(reply.into_inner().message)
}

/// A call of streams with so many questions; returns how many answers came.
pub(crate) async fn talk(channel: Channel, questions: usize) -> Result<usize, tonic::Status> {
    let stream = tokio_stream::iter((0..questions).map(|n| HelloRequest { name: n.to_string() }).collect::<Vec<_>>());
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let codec = ProstCodec::<HelloRequest, HelloReply>::default();
    let path = http::uri::PathAndQuery::from_static(TALK);
    let mut answers = client.streaming(tonic::Request::new(stream), path, codec).await?.into_inner();
    let mut count = 0;
    while let Some(answer) = answers.next().await {
        answer?;
        count += 1;
    }
    Ok(count)
}
