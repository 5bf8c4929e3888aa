//! Interim ADS server until xds::service lands.
#![allow(missing_docs, clippy::all)]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use prost::Message;
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::engine::Engine;
use crate::plan::ProxyId;
use crate::wire::{Cache, Publication};
use crate::xds::protocol::{Labels, Session};
use crate::xds::{ErrorDetail, Face, Request as XdsRequest, Text};

#[derive(Clone)]
pub struct Ads {
    pub engine: Engine,
    pub cache: Arc<Cache>,
    pub watches: Arc<dashmap::DashMap<ProxyId, watch::Sender<Arc<Publication>>>>,
    pub counter: Arc<AtomicU64>,
}

fn text(s: &str) -> Text {
    Text::from(s)
}

struct Guard {
    id: ProxyId,
    ads: Ads,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.ads.watches.remove(&self.id);
        self.ads.engine.leave(self.id);
    }
}

impl Ads {
    pub fn server(self) -> AggregatedDiscoveryServiceServer<Self> {
        AggregatedDiscoveryServiceServer::new(self)
    }

    async fn run<Req, Res>(
        self,
        face: Face,
        mut inbound: Streaming<Req>,
        convert: impl Fn(Req) -> (XdsRequest, Option<envoy_types::pb::envoy::config::core::v3::Node>) + Send + 'static,
        out: tokio::sync::mpsc::Sender<Result<Res, Status>>,
    ) where
        Req: Send + 'static,
        Res: Message + Default + Send + 'static,
    {
        let Some(Ok(first)) = inbound.next().await else { return };
        let (mut request, node) = convert(first);
        let Some(node) = node else {
            let _ = out.send(Err(Status::invalid_argument("missing node information"))).await;
            return;
        };
        let proxy = match super::node::proxy(&node) {
            Ok(p) => p,
            Err(e) => {
                let _ = out.send(Err(Status::invalid_argument(e.to_string()))).await;
                return;
            }
        };
        let watches = self.watches.clone();
        let Some((id, mut rx)) = self
            .engine
            .with(move |core| {
                let (id, publication) = core.join(proxy);
                let (tx, rx) = watch::channel(publication);
                watches.insert(id, tx);
                (id, rx)
            })
            .await
        else {
            return;
        };
        let n = self.counter.fetch_add(1, Ordering::Relaxed);
        let _guard = Guard { id, ads: self.clone() };
        let publication = rx.borrow_and_update().clone();
        let labels = Labels { nonce: format!("{n}-").into(), version: "r/".into() };
        let mut session = Session::new(face, self.cache.clone(), labels, publication);
        loop {
            if session.on_request(&request).is_err() {
                return;
            }
            loop {
                while let Some(response) = session.poll_response() {
                    let bytes: Vec<u8> = response.into_slices(&[]).flat_map(|b| b.to_vec()).collect();
                    let Ok(message) = Res::decode(Bytes::from(bytes)) else { return };
                    if out.send(Ok(message)).await.is_err() {
                        return;
                    }
                }
                let wait = session.waiting();
                tokio::select! {
                    next = inbound.next() => {
                        let Some(Ok(next)) = next else { return };
                        request = convert(next).0;
                        break;
                    }
                    changed = rx.changed() => {
                        if changed.is_err() { return }
                        let publication = rx.borrow_and_update().clone();
                        session.on_publication(publication);
                    }
                    () = tokio::time::sleep(std::time::Duration::from_secs(2)), if wait.is_some() => {
                        if let Some(w) = wait { session.give_up(w) }
                    }
                }
            }
        }
    }
}

type Out<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl AggregatedDiscoveryService for Ads {
    type StreamAggregatedResourcesStream = Out<DiscoveryResponse>;
    type DeltaAggregatedResourcesStream = Out<DeltaDiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        let (tx, rx) = tokio::sync::mpsc::channel(4);
        let convert = |r: DiscoveryRequest| {
            (
                XdsRequest {
                    type_url: text(&r.type_url),
                    nonce: text(&r.response_nonce),
                    error: r.error_detail.map(|e| ErrorDetail { code: e.code, message: text(&e.message) }),
                    subscribe: r.resource_names.iter().map(|n| text(n)).collect(),
                    ..Default::default()
                },
                r.node,
            )
        };
        tokio::spawn(self.clone().run(Face::Sotw, request.into_inner(), convert, tx));
        Ok(Response::new(Box::pin(tokio_stream::wrappers::ReceiverStream::new(rx))))
    }

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        let (tx, rx) = tokio::sync::mpsc::channel(4);
        let convert = |r: DeltaDiscoveryRequest| {
            (
                XdsRequest {
                    type_url: text(&r.type_url),
                    nonce: text(&r.response_nonce),
                    error: r.error_detail.map(|e| ErrorDetail { code: e.code, message: text(&e.message) }),
                    subscribe: r.resource_names_subscribe.iter().map(|n| text(n)).collect(),
                    unsubscribe: r.resource_names_unsubscribe.iter().map(|n| text(n)).collect(),
                    stated: r.initial_resource_versions.iter().map(|(n, v)| (text(n), text(v))).collect(),
                    ..Default::default()
                },
                r.node,
            )
        };
        tokio::spawn(self.clone().run(Face::Delta, request.into_inner(), convert, tx));
        Ok(Response::new(Box::pin(tokio_stream::wrappers::ReceiverStream::new(rx))))
    }
}
