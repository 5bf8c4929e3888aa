//! What a client says, in either protocol variant.

use bytes::Bytes;

use super::text::Text;

/// Which of the two protocol variants a stream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Incremental: `DeltaAggregatedResources`.
    Delta,
    /// State of the world: `StreamAggregatedResources`.
    Sotw,
}

/// A `DeltaDiscoveryRequest` or a `DiscoveryRequest`, as far as a server needs it.
#[derive(Clone, Default, Debug)]
pub struct Request {
    /// The type it is about.
    pub type_url: Text,
    /// The nonce of the response that it answers; empty if it answers none.
    pub nonce: Text,
    /// Why the client refused that response.
    pub error: Option<ErrorDetail>,
    /// Incremental: names to add to the subscription. State of the world: all names of the subscription.
    pub subscribe: Vec<Text>,
    /// Incremental: names to take out of the subscription.
    pub unsubscribe: Vec<Text>,
    /// Incremental, first request of a type: name and version of what the client holds from an earlier stream.
    pub stated: Vec<(Text, Text)>,
    /// The client's `Node`, encoded; many clients send it with the first request of a stream only.
    pub node: Option<Bytes>,
    /// How many bytes it came in.
    pub len: usize,
}

/// The `google.rpc.Status` of a refusal.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    /// A gRPC status code.
    pub code: i32,
    /// The client's own words.
    pub message: Text,
}
