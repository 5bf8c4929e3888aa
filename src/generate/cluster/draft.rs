//! A cluster in the making.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, CommonLbConfig, CustomClusterType, DiscoveryType, LbPolicy,
};
use envoy_types::pb::envoy::config::cluster::v3::{Cluster, Filter};
use envoy_types::pb::envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig as ForwardConfig;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::explicit_http_config::ProtocolConfig;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions,
};

use crate::generate::proto::{boolean, fields_of, string};
use crate::proto::udpa::r#type::v1::TypedStruct;
use crate::wire::any;

use super::metadata;

/// The key of HTTP options among those of other protocols.
const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// A cluster in the making: parts that are encoded when all is known stay messages until then.
pub(super) struct Draft {
    pub(super) cluster: Cluster,
    pub(super) http: Option<HttpProtocolOptions>,
    pub(super) forward: Option<ForwardConfig>,
    /// Metadata for Istio's own filters and metrics.
    pub(super) istio: Vec<metadata::Field>,
}

impl Draft {
    /// A cluster of a name, with the name itself for statistics. Envoy splits statistics at the semicolon.
    pub(super) fn new(name: &str) -> Self {
        let cluster = Cluster {
            name: name.to_owned(),
            alt_stat_name: format!("{name};"),
            common_lb_config: Some(CommonLbConfig::default()),
            ..Default::default()
        };
        Self { cluster, http: None, forward: None, istio: Vec::new() }
    }

    /// HTTP options, made if there are none.
    pub(super) fn http(&mut self) -> &mut HttpProtocolOptions {
        self.http.get_or_insert_with(HttpProtocolOptions::default)
    }

    /// Balancing options.
    pub(super) fn common_lb(&mut self) -> &mut CommonLbConfig {
        self.cluster.common_lb_config.get_or_insert_with(CommonLbConfig::default)
    }

    /// How endpoints are found.
    pub(super) fn set_type(&mut self, kind: DiscoveryType) {
        self.cluster.cluster_discovery_type = Some(ClusterDiscoveryType::Type(kind.into()));
    }

    /// Whether calls go where the caller was going anyway.
    pub(super) fn is_original(&self) -> bool {
        self.is_type(DiscoveryType::OriginalDst)
    }

    /// Whether the control plane sends the endpoints.
    pub(super) fn is_sent(&self) -> bool {
        self.is_type(DiscoveryType::Eds)
    }

    fn is_type(&self, kind: DiscoveryType) -> bool {
        self.cluster.cluster_discovery_type == Some(ClusterDiscoveryType::Type(kind.into()))
    }

    /// Whether the proxy resolves the name of each call.
    pub(super) fn is_forward(&self) -> bool {
        self.forward.is_some()
    }

    /// Whether calls are HTTP/2 whatever the caller speaks.
    pub(super) fn is_http2(&self) -> bool {
        let options = self.http.as_ref().and_then(|o| o.upstream_protocol_options.as_ref());
        matches!(
            options,
            Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
                protocol_config: Some(ProtocolConfig::Http2ProtocolOptions(_))
            }))
        )
    }

    /// Sends calls nowhere: the cluster stays known to routes, and each call fails.
    pub(super) fn close(&mut self) {
        self.set_type(DiscoveryType::Static);
        self.cluster.lb_policy = LbPolicy::RoundRobin.into();
        self.cluster.load_assignment = None;
        self.cluster.transport_socket = None;
        self.forward = None;
    }

    /// Tells the peer who calls and learns who answers, over connections of TCP too.
    pub(super) fn exchange_metadata(&mut self) {
        let settings = [("protocol", string("istio-peer-exchange")), ("enable_discovery", boolean(true))];
        let config = TypedStruct {
            type_url: "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange".to_owned(),
            value: Some(fields_of(settings)),
        };
        self.cluster.filters.push(Filter {
            name: "istio.metadata_exchange".to_owned(),
            typed_config: Some(any(&config)),
            ..Default::default()
        });
    }

    /// The finished message.
    pub(super) fn finish(mut self) -> Cluster {
        if let Some(mut http) = self.http {
            // Envoy requires a choice of protocol; HTTP/1 is its own default.
            http.upstream_protocol_options.get_or_insert_with(|| {
                let protocol_config = Some(ProtocolConfig::HttpProtocolOptions(Default::default()));
                UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig { protocol_config })
            });
            self.cluster.typed_extension_protocol_options = HashMap::from([(HTTP_OPTIONS.to_owned(), any(&http))]);
        }
        if let Some(forward) = self.forward {
            self.cluster.cluster_discovery_type = Some(ClusterDiscoveryType::ClusterType(CustomClusterType {
                name: "envoy.clusters.dynamic_forward_proxy".to_owned(),
                typed_config: Some(any(&forward)),
            }));
        }
        if !self.istio.is_empty() {
            self.cluster.metadata = Some(metadata::of_istio(self.istio));
        }
        self.cluster
    }
}
