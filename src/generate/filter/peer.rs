//! How Envoys that are not Istio's build tell each other who they are: by a header that applications never see. Istio's
//! build has filters of its own for that.

use envoy_types::pb::envoy::config::common::mutation_rules::v3::HeaderMutation as Mutation;
use envoy_types::pb::envoy::config::common::mutation_rules::v3::header_mutation::Action;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{
    ExtensionConfigSource, HeaderValue, HeaderValueOption, TypedExtensionConfig,
};
use envoy_types::pb::envoy::extensions::filters::http::header_mutation::v3::{HeaderMutation, Mutations};
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::Config as HeaderToMetadata;
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::config::{KeyValuePair, Rule};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter as EnvoyFilter;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType;
use prost::Name;

use crate::base::Str;
use crate::generate::proto;
use crate::wire::{Recipe, Refusal, any};

/// The header.
const HEADER: &str = "x-mesh-peer";

/// The name of the filter that gives it, and of its configuration.
const INTRODUCE: &str = "mizzen.introduce";

/// What puts the header into calls of one workload to services of the mesh.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Introduction {
    /// The workload that calls, its facts with semicolons between them.
    pub own: Str,
    /// What hosts of the mesh end in.
    pub to: Str,
}

impl Recipe for Introduction {
    type Message = TypedExtensionConfig;

    fn name(&self) -> Str {
        INTRODUCE.into()
    }

    fn build(&self) -> Result<TypedExtensionConfig, Refusal> {
        let Self { own, to } = self;
        let host = "xds.cluster_metadata.filter_metadata.istio.services[0].host";
        // An empty value is no header.
        let value = format!("%CEL({host}.endsWith('{to}')?'{own}':'')%");
        let header = HeaderValueOption {
            header: Some(HeaderValue { key: HEADER.to_owned(), value, ..HeaderValue::default() }),
            append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
            ..HeaderValueOption::default()
        };
        Ok(TypedExtensionConfig { name: INTRODUCE.to_owned(), typed_config: Some(any(&mutation(header))) })
    }
}

/// The filter with that, as it is at the moment. It does nothing if Envoy, for whatever reason, never gets it.
pub(super) fn discovered() -> EnvoyFilter {
    let source = ExtensionConfigSource {
        config_source: Some(proto::ads()),
        default_config: Some(any(&HeaderMutation::default())),
        type_urls: vec![HeaderMutation::type_url()],
        ..ExtensionConfigSource::default()
    };
    let config_type = Some(ConfigType::ConfigDiscovery(source));
    EnvoyFilter { name: INTRODUCE.to_owned(), config_type, ..EnvoyFilter::default() }
}

/// Whether the caller has a certificate of the mesh.
pub(super) const IDENTIFIED: &str = "connection.mtls&&has(connection.uri_san_peer_certificate)";
/// The namespace in it.
pub(super) const NAMESPACE: &str = r"re.extract(connection.uri_san_peer_certificate,'/ns/([^/]+)','\\1')";
/// Parts of its subject: the name of the workload, and the service that it is, if the authority has written them there.
/// Each is whether there is such a part, and the part.
pub(super) const WORKLOAD: [&str; 2] = [
    "connection.subject_peer_certificate.matches('(^|,)CN=')",
    r"re.extract(connection.subject_peer_certificate,'(^|,)CN=([^,]+)','\\2')",
];
pub(super) const CANONICAL: [&str; 2] = [
    "connection.subject_peer_certificate.matches('(^|,)OU=')",
    r"re.extract(connection.subject_peer_certificate,'(^|,)OU=([^,]+)','\\2')",
];

/// What is known of callers who say nothing, or of whom it is not believed.
const NOBODY: &str = "unknown;unknown;unknown;latest;unknown;unknown;unknown";

/// Replaces what callers say of themselves where it is not in the namespace of their certificate, or not the workload or
/// service that the certificate names.
pub(super) fn doubt() -> HeaderMutation {
    let said = |index: usize| part(&format!("request.headers['{HEADER}']"), index);
    let says_else = |[there, value]: [&str; 2], index| format!("{there}&&{value}!={}", said(index));
    let lies = [format!("{NAMESPACE}!={}", said(1)), says_else(WORKLOAD, 0), says_else(CANONICAL, 2)];
    let value = format!("%CEL({IDENTIFIED}&&({})?'{NOBODY}':request.headers['{HEADER}'])%", lies.join("||"));
    let header = HeaderValueOption {
        header: Some(HeaderValue { key: HEADER.to_owned(), value, ..HeaderValue::default() }),
        append_action: HeaderAppendAction::OverwriteIfExists.into(),
        ..HeaderValueOption::default()
    };
    mutation(header)
}

/// A part of a text that has semicolons between its parts.
pub(super) fn part(text: &str, index: usize) -> String {
    format!(r"re.extract({text},'^{}([^;]+)','\\1')", "[^;]*;".repeat(index))
}

/// Whether there is such a part.
pub(super) fn has_part(text: &str, index: usize) -> String {
    format!("{text}.matches('^{}[^;]')", "[^;]*;".repeat(index))
}

fn mutation(header: HeaderValueOption) -> HeaderMutation {
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
        on_header_missing: Some(known(NOBODY)),
        remove: true,
        ..Rule::default()
    };
    HeaderToMetadata { request_rules: vec![rule], ..HeaderToMetadata::default() }
}
