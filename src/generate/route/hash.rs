//! By what calls are alike, so that they reach one endpoint.

use envoy_types::pb::envoy::config::route::v3::route_action::HashPolicy;
use envoy_types::pb::envoy::config::route::v3::route_action::hash_policy::{
    ConnectionProperties, Cookie, CookieAttribute, Header, PolicySpecifier, QueryParameter,
};

use crate::api::destination_rule::HashKey;
use crate::generate::proto::duration;

/// The hash policy of a key.
pub(super) fn policy(key: &HashKey) -> HashPolicy {
    let specifier = match key {
        HashKey::HttpHeaderName(name) => {
            PolicySpecifier::Header(Header { header_name: name.to_string(), ..Header::default() })
        }
        HashKey::HttpCookie(cookie) => PolicySpecifier::Cookie(Cookie {
            name: cookie.name.to_string(),
            ttl: cookie.ttl.map(duration),
            path: cookie.path.to_string(),
            attributes: cookie
                .attributes
                .iter()
                .map(|a| CookieAttribute { name: a.name.to_string(), value: a.value.to_string() })
                .collect(),
        }),
        HashKey::UseSourceIp(source_ip) => {
            PolicySpecifier::ConnectionProperties(ConnectionProperties { source_ip: *source_ip })
        }
        HashKey::HttpQueryParameterName(name) => {
            PolicySpecifier::QueryParameter(QueryParameter { name: name.to_string() })
        }
    };
    HashPolicy { terminal: false, policy_specifier: Some(specifier) }
}
