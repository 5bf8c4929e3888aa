//! Changes of headers.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption};

use crate::api::virtual_service::{HeaderOperations, Headers};
use crate::base::{Labels, Str};

/// Changes of headers in Envoy's terms.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) request_add: Vec<HeaderValueOption>,
    pub(super) request_remove: Vec<String>,
    pub(super) response_add: Vec<HeaderValueOption>,
    pub(super) response_remove: Vec<String>,
    /// The new authority, which Envoy changes by a rewrite and not as a header.
    pub(super) authority: Option<String>,
}

/// Reads changes; headers that start with a colon, and Host, cannot be changed as headers and are left out.
pub(super) fn changes(said: &Headers) -> Changes {
    let (request, response) = (said.request.as_ref(), said.response.as_ref());
    let authority = |pick: fn(&HeaderOperations) -> &Labels| {
        let headers = request.map(pick).into_iter().flatten();
        headers.filter(|(key, _)| is_authority(key)).map(|(_, value)| value.to_string()).next_back()
    };
    Changes {
        request_add: additions(request),
        request_remove: removals(request),
        response_add: additions(response),
        response_remove: removals(response),
        authority: authority(|r| &r.set).filter(|a| !a.is_empty()).or_else(|| authority(|r| &r.add)),
    }
}

fn additions(said: Option<&HeaderOperations>) -> Vec<HeaderValueOption> {
    let options = |headers: fn(&HeaderOperations) -> &Labels, action: HeaderAppendAction| {
        let headers = said.map(headers).into_iter().flatten().filter(|(key, _)| !is_internal(key));
        headers.map(move |(key, value)| HeaderValueOption {
            header: Some(HeaderValue { key: key.to_string(), value: value.to_string(), ..HeaderValue::default() }),
            append_action: action.into(),
            ..HeaderValueOption::default()
        })
    };
    let set = options(|h| &h.set, HeaderAppendAction::OverwriteIfExistsOrAdd);
    set.chain(options(|h| &h.add, HeaderAppendAction::AppendIfExistsOrAdd)).collect()
}

fn removals(said: Option<&HeaderOperations>) -> Vec<String> {
    said.into_iter().flat_map(|h| &h.remove).filter(|key| !is_internal(key)).map(Str::to_string).collect()
}

fn is_internal(key: &str) -> bool {
    key.starts_with(':') || key.eq_ignore_ascii_case("host")
}

fn is_authority(key: &str) -> bool {
    key.eq_ignore_ascii_case(":authority") || key.eq_ignore_ascii_case("host")
}
