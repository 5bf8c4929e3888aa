//! A gRPC service that says who served a call: `demo.Greeter/Hello`, server and client.
//!
//! The messages are written out by hand: two strings do not need a `.proto` file and its build step.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{Service, StdError};
use tonic_prost::ProstCodec;

const HELLO: &str = "/demo.Greeter/Hello";

/// What a caller sends.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HelloRequest {
    /// Who is greeted.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// What comes back.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HelloReply {
    /// The greeting.
    #[prost(string, tag = "1")]
    pub message: String,
    /// Name of the backend that answered.
    #[prost(string, tag = "2")]
    pub served_by: String,
}

/// A backend, which gives its own name with every answer.
#[derive(Clone, Debug)]
pub struct Greeter {
    name: String,
}

impl Greeter {
    /// A backend called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Greeter { name: name.into() }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl tonic::server::NamedService for Greeter {
    const NAME: &'static str = "demo.Greeter";
}

impl<B> Service<http::Request<B>> for Greeter
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Answer {
        let name = self.name.clone();
        Box::pin(async move {
            if request.uri().path() != HELLO {
                return Ok(tonic::Status::unimplemented("demo.Greeter has Hello only").into_http());
            }
            let hello = tower::service_fn(move |request: tonic::Request<HelloRequest>| {
                let message = format!("Hello, {}!", request.into_inner().name);
                std::future::ready(Ok(tonic::Response::new(HelloReply { message, served_by: name.clone() })))
            });
            let codec = ProstCodec::<HelloReply, HelloRequest>::default();
            Ok(tonic::server::Grpc::new(codec).unary(hello, request).await)
        })
    }
}

/// One call over `channel`; returns the name of the backend that answered.
///
/// # Errors
/// What the backend or a proxy on the way answered instead, e.g. `Unavailable`.
pub async fn hello(channel: tonic::transport::Channel, name: &str) -> Result<String, tonic::Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let codec = ProstCodec::<HelloRequest, HelloReply>::default();
    let request = tonic::Request::new(HelloRequest { name: name.to_owned() });
    let reply = client.unary(request, http::uri::PathAndQuery::from_static(HELLO), codec).await?;
    Ok(reply.into_inner().served_by)
}
