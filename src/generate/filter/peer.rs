//! How Envoys that are not Istio's build tell each other who they are: by a header that applications never see. Istio's
//! build has filters of its own for that.

use envoy_types::pb::envoy::config::common::mutation_rules::v3::HeaderMutation as Mutation;
use envoy_types::pb::envoy::config::common::mutation_rules::v3::header_mutation::Action;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::extensions::filters::http::header_mutation::v3::{HeaderMutation, Mutations};
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::Config as HeaderToMetadata;
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::config::{KeyValuePair, Rule};

use super::standard::Own;

/// The header.
const HEADER: &str = "x-mesh-peer";

/// Puts the header into calls to services of the mesh, whose hosts end in this. An empty value is no header.
pub(super) fn introduce(own: &Own, to: &str) -> HeaderMutation {
    let host = "xds.cluster_metadata.filter_metadata.istio.services[0].host";
    let value = format!("%CEL({host}.endsWith('{to}')?'{}':'')%", own.joined());
    let header = HeaderValueOption {
        header: Some(HeaderValue { key: HEADER.to_owned(), value, ..HeaderValue::default() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..HeaderValueOption::default()
    };
    let request_mutations = vec![Mutation { action: Some(Action::Append(header)) }];
    let mutations = Some(Mutations { request_mutations, ..Mutations::default() });
    HeaderMutation { mutations, ..HeaderMutation::default() }
}

/// Takes the header out of calls, and keeps it where the labels of metrics find it.
pub(super) fn recognise() -> HeaderToMetadata {
    let known = |value: &str| KeyValuePair {
        metadata_namespace: "mesh.src".to_owned(),
        key: "peer".to_owned(),
        value: value.to_owned(),
        ..KeyValuePair::default()
    };
    let rule = Rule {
        header: HEADER.to_owned(),
        on_header_present: Some(known("")),
        on_header_missing: Some(known("unknown;unknown;unknown;latest;unknown;unknown;unknown")),
        remove: true,
        ..Rule::default()
    };
    HeaderToMetadata { request_rules: vec![rule], ..HeaderToMetadata::default() }
}
