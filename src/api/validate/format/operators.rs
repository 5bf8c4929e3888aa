//! Which operators Envoy has, and what each of them takes (Envoy 1.40, `source/common/formatter`).
//!
//! Every line here was asked of Envoy itself, and is again by a test (`tests/e2e/formats.rs`): a name that it does not know
//! costs the whole listener or route configuration. A newer operator has to be entered here first.

use crate::api::cel;

/// Those that stand alone.
const BARE: [&str; 126] = [
    "ACCESS_LOG_TYPE",
    "BYTES_RECEIVED",
    "BYTES_RETRANSMITTED",
    "BYTES_SENT",
    "CONNECTION_ID",
    "CONNECTION_TERMINATION_DETAILS",
    "CUSTOM_FLAGS",
    "DOWNSTREAM_CX_RTT",
    "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
    "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
    "DOWNSTREAM_DETECTED_CLOSE_TYPE",
    "DOWNSTREAM_DIRECT_LOCAL_ADDRESS",
    "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID",
    "DOWNSTREAM_DIRECT_LOCAL_PORT",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
    "DOWNSTREAM_DIRECT_REMOTE_PORT",
    "DOWNSTREAM_HANDSHAKE_DURATION",
    "DOWNSTREAM_HEADER_BYTES_RECEIVED",
    "DOWNSTREAM_HEADER_BYTES_SENT",
    "DOWNSTREAM_LOCAL_ADDRESS",
    "DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID",
    "DOWNSTREAM_LOCAL_CLOSE_REASON",
    "DOWNSTREAM_LOCAL_DNS_SAN",
    "DOWNSTREAM_LOCAL_EMAIL_SAN",
    "DOWNSTREAM_LOCAL_IP_SAN",
    "DOWNSTREAM_LOCAL_OTHERNAME_SAN",
    "DOWNSTREAM_LOCAL_PORT",
    "DOWNSTREAM_LOCAL_SUBJECT",
    "DOWNSTREAM_LOCAL_URI_SAN",
    "DOWNSTREAM_PEER_CERT",
    "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1",
    "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256",
    "DOWNSTREAM_PEER_CHAIN_SERIALS",
    "DOWNSTREAM_PEER_DNS_SAN",
    "DOWNSTREAM_PEER_EMAIL_SAN",
    "DOWNSTREAM_PEER_FINGERPRINT_1",
    "DOWNSTREAM_PEER_FINGERPRINT_256",
    "DOWNSTREAM_PEER_IP_SAN",
    "DOWNSTREAM_PEER_ISSUER",
    "DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256",
    "DOWNSTREAM_PEER_ISSUER_SERIAL",
    "DOWNSTREAM_PEER_OTHERNAME_SAN",
    "DOWNSTREAM_PEER_SERIAL",
    "DOWNSTREAM_PEER_SUBJECT",
    "DOWNSTREAM_PEER_URI_SAN",
    "DOWNSTREAM_REMOTE_ADDRESS",
    "DOWNSTREAM_REMOTE_PORT",
    "DOWNSTREAM_TLS_CIPHER",
    "DOWNSTREAM_TLS_GROUP",
    "DOWNSTREAM_TLS_SESSION_ID",
    "DOWNSTREAM_TLS_VERSION",
    "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
    "DOWNSTREAM_WIRE_BYTES_RECEIVED",
    "DOWNSTREAM_WIRE_BYTES_SENT",
    "DURATION",
    "FILTER_CHAIN_NAME",
    "GRPC_STATUS_NUMBER",
    "HOSTNAME",
    "LISTENER_NAME",
    "LOCAL_REPLY_BODY",
    "PACKETS_RETRANSMITTED",
    "PROTOCOL",
    "REQUESTED_SERVER_NAME",
    "REQUEST_DURATION",
    "REQUEST_HEADERS_BYTES",
    "REQUEST_TX_DURATION",
    "RESPONSE_CODE",
    "RESPONSE_DURATION",
    "RESPONSE_FLAGS",
    "RESPONSE_FLAGS_LONG",
    "RESPONSE_HEADERS_BYTES",
    "RESPONSE_TRAILERS_BYTES",
    "RESPONSE_TX_DURATION",
    "ROUNDTRIP_DURATION",
    "ROUTE_NAME",
    "ROUTE_RESOLUTION_COUNT",
    "ROUTE_RESOLUTION_TIME_US",
    "SPAN_ID",
    "STREAM_ID",
    "TLS_JA3_FINGERPRINT",
    "TLS_JA4_FINGERPRINT",
    "TRACE_ID",
    "UNIQUE_ID",
    "UPSTREAM_CLUSTER",
    "UPSTREAM_CLUSTER_RAW",
    "UPSTREAM_CONNECTION_ID",
    "UPSTREAM_CONNECTION_IDS_ATTEMPTED",
    "UPSTREAM_CONNECTION_POOL_READY_DURATION",
    "UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
    "UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
    "UPSTREAM_DETECTED_CLOSE_TYPE",
    "UPSTREAM_HEADER_BYTES_RECEIVED",
    "UPSTREAM_HEADER_BYTES_SENT",
    "UPSTREAM_HOST",
    "UPSTREAM_HOSTS_ATTEMPTED",
    "UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT",
    "UPSTREAM_HOST_NAME",
    "UPSTREAM_HOST_NAMES_ATTEMPTED",
    "UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT",
    "UPSTREAM_HOST_NAME_WITHOUT_PORT",
    "UPSTREAM_LOCAL_ADDRESS",
    "UPSTREAM_LOCAL_CLOSE_REASON",
    "UPSTREAM_LOCAL_DNS_SAN",
    "UPSTREAM_LOCAL_IP_SAN",
    "UPSTREAM_LOCAL_PORT",
    "UPSTREAM_LOCAL_URI_SAN",
    "UPSTREAM_PEER_CERT",
    "UPSTREAM_PEER_DNS_SAN",
    "UPSTREAM_PEER_IP_SAN",
    "UPSTREAM_PEER_ISSUER",
    "UPSTREAM_PEER_SUBJECT",
    "UPSTREAM_PEER_URI_SAN",
    "UPSTREAM_PROTOCOL",
    "UPSTREAM_REMOTE_ADDRESS",
    "UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID",
    "UPSTREAM_REMOTE_PORT",
    "UPSTREAM_REQUEST_ATTEMPT_COUNT",
    "UPSTREAM_SERVER_NAME",
    "UPSTREAM_TLS_CIPHER",
    "UPSTREAM_TLS_GROUP",
    "UPSTREAM_TLS_SESSION_ID",
    "UPSTREAM_TLS_VERSION",
    "UPSTREAM_TRANSPORT_FAILURE_REASON",
    "UPSTREAM_WIRE_BYTES_RECEIVED",
    "UPSTREAM_WIRE_BYTES_SENT",
    "VIRTUAL_CLUSTER_NAME",
];

/// Those that may have arguments, of any form.
const FREE: [&str; 15] = [
    "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_PEER_CERT_V_END",
    "DOWNSTREAM_PEER_CERT_V_START",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
    "EMIT_TIME",
    "EMIT_TIME_LOCAL",
    "RESPONSE_CODE_DETAILS",
    "START_TIME",
    "START_TIME_LOCAL",
    "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
    "UPSTREAM_PEER_CERT_V_END",
    "UPSTREAM_PEER_CERT_V_START",
    "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
];

/// Where metadata are.
const METADATA: [&str; 7] =
    ["CLUSTER", "DYNAMIC", "LISTENER", "LISTENER_FILTER_CHAIN", "ROUTE", "UPSTREAM_HOST", "VIRTUAL_HOST"];

/// Whether Envoy has an operator that takes these arguments, and perhaps a length to which its value is cut.
pub(super) fn exists(name: &str, arguments: Option<&str>, length: bool) -> bool {
    let said = arguments.filter(|text| !text.is_empty());
    let parts: Vec<&str> = said.unwrap_or_default().split(':').collect();
    match name {
        _ if BARE.binary_search(&name).is_ok() => said.is_none() && !length,
        _ if FREE.binary_search(&name).is_ok() => !length,
        // Of two headers the second counts where the first is not there.
        "REQ" | "REQUEST_HEADER" | "REQ_WITHOUT_QUERY" | "RESP" | "RESPONSE_HEADER" | "TRAILER"
        | "RESPONSE_TRAILER" => said.is_some_and(|text| text.split('?').count() <= 2 && text.split('?').all(is_header)),
        "CLUSTER_METADATA" | "UPSTREAM_METADATA" => said.is_some() && !length,
        "DYNAMIC_METADATA" | "ENVIRONMENT" | "QUERY_PARAM" => said.is_some(),
        "METADATA" => METADATA.contains(&parts[0]),
        "FILTER_STATE" | "UPSTREAM_FILTER_STATE" => match parts[..] {
            [key] => !key.is_empty(),
            [_, form] => ["PLAIN", "TYPED"].contains(&form),
            [_, form, _] => form == "FIELD",
            _ => false,
        },
        "PATH" => match parts[..] {
            [""] => true,
            [query] => ["NQ", "WQ"].contains(&query),
            [query, which] => ["NQ", "WQ"].contains(&query) && ["ORIG", "ORIG_OR_PATH", "PATH"].contains(&which),
            _ => false,
        },
        "QUERY_PARAMS" => said.is_none_or(|text| ["ORIG", "DECODED"].contains(&text)),
        "GRPC_STATUS" => said.is_none_or(|text| ["CAMEL_STRING", "SNAKE_STRING", "NUMBER"].contains(&text)),
        "COMMON_DURATION" => match parts[..] {
            [from, to] => !from.is_empty() && !to.is_empty(),
            [_, _, unit] => ["ms", "us", "ns"].contains(&unit),
            _ => false,
        },
        "CEL" => said.is_some_and(|text| cel::check(text).is_ok()),
        "COALESCE" => said.is_some_and(|text| serde_json::from_str(text).is_ok_and(|json| is_choice(&json))),
        _ => false,
    }
}

/// Whether it may be the name of a header, or none.
fn is_header(text: &str) -> bool {
    let name = text.strip_prefix(':').unwrap_or(text);
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&b))
}

/// Whether it is a list of operators, of which the first that has a value counts.
fn is_choice(json: &serde_json::Value) -> bool {
    let operators = json["operators"].as_array().filter(|list| !list.is_empty());
    operators.is_some_and(|list| {
        list.iter().all(|one| match one.as_str() {
            Some(name) => exists(name, None, false),
            None => one["command"].as_str().is_some_and(|name| exists(name, one["param"].as_str(), false)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_as_they_are_looked_up() {
        assert!(BARE.is_sorted() && FREE.is_sorted());
    }
}
