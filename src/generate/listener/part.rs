//! Parts of listeners, and the filters that look at a connection before a chain is chosen.

use envoy_types::pb::envoy::config::listener::v3::listener::ConnectionBalanceConfig;
use envoy_types::pb::envoy::config::listener::v3::listener::connection_balance_config::{BalanceType, ExactBalance};
use envoy_types::pb::envoy::config::listener::v3::listener_filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{
    AdditionalAddress, ListenerFilter, ListenerFilterChainMatchPredicate,
};
use envoy_types::pb::envoy::extensions::filters::listener::http_inspector::v3::HttpInspector;
use envoy_types::pb::envoy::extensions::filters::listener::original_dst::v3::OriginalDst;
use envoy_types::pb::envoy::extensions::filters::listener::original_src::v3::OriginalSrc;
use envoy_types::pb::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;
use envoy_types::pb::google::protobuf::{Any, UInt32Value};

use crate::generate::proto;
use crate::wire::any;

/// Reads the ClientHello, but for connections that the condition takes out.
pub(crate) fn tls_inspector(disabled: Option<ListenerFilterChainMatchPredicate>) -> ListenerFilter {
    // Envoy's own default is 64 KiB for each connection.
    let inspector = TlsInspector { initial_read_buffer_size: Some(proto::u32_value(512)), ..TlsInspector::default() };
    filter("envoy.filters.listener.tls_inspector", any(&inspector), disabled)
}

/// Detects HTTP in clear text, but for connections that the condition takes out.
pub(crate) fn http_inspector(disabled: Option<ListenerFilterChainMatchPredicate>) -> ListenerFilter {
    filter("envoy.filters.listener.http_inspector", any(&HttpInspector {}), disabled)
}

/// Finds out where a redirected connection was going.
pub(crate) fn original_dst() -> ListenerFilter {
    filter("envoy.filters.listener.original_dst", any(&OriginalDst::default()), None)
}

/// Keeps the caller's address towards the application.
pub(crate) fn original_src() -> ListenerFilter {
    let original = OriginalSrc { mark: 1337, ..OriginalSrc::default() };
    filter("envoy.filters.listener.original_src", any(&original), None)
}

fn filter(name: &str, config: Any, disabled: Option<ListenerFilterChainMatchPredicate>) -> ListenerFilter {
    let config_type = Some(ConfigType::TypedConfig(config));
    ListenerFilter { name: name.to_owned(), filter_disabled: disabled, config_type }
}

/// A further address of a listener.
pub(crate) fn additional(address: &str, port: u16) -> AdditionalAddress {
    AdditionalAddress { address: Some(proto::socket_address(address, port)), ..AdditionalAddress::default() }
}

/// So many connections each time a socket is looked at, that a burst does not keep a thread from its other work; zero for
/// all that there are.
pub(crate) fn at_a_time(accepts: u32) -> Option<UInt32Value> {
    (accepts > 0).then(|| proto::u32_value(accepts))
}

/// Connections are shared evenly between Envoy's threads.
pub(crate) fn exact_balance() -> ConnectionBalanceConfig {
    ConnectionBalanceConfig { balance_type: Some(BalanceType::ExactBalance(ExactBalance {})) }
}
