//! How many messages a gRPC call had, for metrics of an Envoy that is not Istio's build.
//!
//! Envoy counts them (`HttpFilter::GrpcStats`) and keeps both numbers in one text, `2,3`, of which its access loggers can
//! make no numbers. A Wasm module of half a kilobyte, whose source is `messages.wat` beside this file, takes the text apart when
//! the call is logged. One machine of a worker runs it for all chains: some 12 kB for each chain.

use envoy_types::pb::envoy::config::core::v3::async_data_source;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::{AsyncDataSource, DataSource};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::plugin_config::Vm;
use envoy_types::pb::envoy::extensions::wasm::v3::{FailurePolicy, PluginConfig, VmConfig};

/// What runs the module; the name of an extension of Envoy.
pub const RUNTIME: &str = "envoy.wasm.runtime.v8";

/// What `wat2wasm` makes of `messages.wat`.
const MODULE: &[u8] = include_bytes!("messages.wasm");

/// Where the module leaves the numbers.
pub(super) const ASKED: &str = "%FILTER_STATE(wasm.mizzen.asked:PLAIN)%";
pub(super) const ANSWERED: &str = "%FILTER_STATE(wasm.mizzen.answered:PLAIN)%";

/// Calls go on whatever becomes of the module.
pub(super) fn filter() -> Wasm {
    let code = DataSource { specifier: Some(Specifier::InlineBytes(MODULE.to_vec())), ..DataSource::default() };
    let vm = VmConfig {
        vm_id: "messages".to_owned(),
        runtime: RUNTIME.to_owned(),
        code: Some(AsyncDataSource { specifier: Some(async_data_source::Specifier::Local(code)) }),
        ..VmConfig::default()
    };
    Wasm {
        config: Some(PluginConfig {
            name: "messages".to_owned(),
            failure_policy: FailurePolicy::FailOpen.into(),
            vm: Some(Vm::VmConfig(vm)),
            ..PluginConfig::default()
        }),
    }
}
