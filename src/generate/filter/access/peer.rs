//! Who calls (istio `pilot/pkg/security/authz/model/{generator,principal}.go`).

use std::net::IpAddr;

use envoy_types::pb::envoy::config::core::v3::CidrRange;
use envoy_types::pb::envoy::config::rbac::v3::Principal;
use envoy_types::pb::envoy::config::rbac::v3::principal::{Authenticated, Identifier};
use envoy_types::pb::envoy::r#type::matcher::v3::{MetadataMatcher, StringMatcher};
use ipnet::IpNet;

use crate::base::{Namespace, Str};
use crate::generate::proto;

use super::rule::{Context, Node, Subject, Unknown};
use super::{Form, domains, metadata, text};

/// What is compared.
#[derive(Clone, Copy)]
pub(super) enum Peer<'r> {
    Principal,
    RequestPrincipal,
    ServiceAccount,
    TrustDomain,
    Namespace,
    /// Of the client, as proxies in front tell it.
    RemoteAddress,
    /// Of the peer.
    Address,
    Audiences,
    Presenter,
    /// A header; its name is in brackets.
    Header(&'r str),
    /// A claim of a token; its path is in brackets.
    Claim(&'r str),
}

impl<'r> Peer<'r> {
    /// What a condition's key names, if that is part of who calls.
    pub(super) fn of_key(key: &'r str) -> Option<Self> {
        Some(match key {
            "source.ip" => Self::Address,
            "remote.ip" => Self::RemoteAddress,
            "source.namespace" => Self::Namespace,
            "source.trustDomain" => Self::TrustDomain,
            "source.serviceAccount" => Self::ServiceAccount,
            "source.principal" => Self::Principal,
            "request.auth.principal" => Self::RequestPrincipal,
            "request.auth.audiences" => Self::Audiences,
            "request.auth.presenter" => Self::Presenter,
            _ => match key.strip_prefix("request.headers") {
                Some(name) => Self::Header(name),
                None => Self::Claim(key.strip_prefix("request.auth.claims")?),
            },
        })
    }

    /// Whether it is part of what callers prove in the handshake.
    fn is_identity(self) -> bool {
        matches!(self, Self::Principal | Self::ServiceAccount | Self::TrustDomain | Self::Namespace)
    }

    /// Whether only calls that are read tell it.
    fn is_of_http(self) -> bool {
        matches!(self, Self::RequestPrincipal | Self::Audiences | Self::Presenter | Self::Header(_) | Self::Claim(_))
    }
}

impl Subject for Peer<'_> {
    type Node = Principal;

    fn one_of(&self, values: &[Str], context: &Context<'_>) -> Result<Principal, Unknown> {
        if self.is_of_http() && context.form == Form::Bytes {
            return Err(Unknown::Rule);
        }
        if self.is_identity() && !context.knowledge.identity {
            return Err(Unknown::Alternative);
        }
        let domains = &context.knowledge.trust_domains;
        let proven = |matchers: Vec<StringMatcher>| Ok(Node::either(matchers.into_iter().map(authenticated).collect()));
        let each = |node: &dyn Fn(&Str) -> Result<Identifier, Unknown>| {
            let nodes = values.iter().map(|value| Ok(Principal { identifier: Some(node(value)?) }));
            Ok(Node::either(nodes.collect::<Result<_, Unknown>>()?))
        };
        let claim = |path: &[&str]| Ok(of_token(metadata::claim_of(path.iter().copied(), values)));
        match self {
            Self::Principal => proven(domains::identities(values, domains).iter().map(|id| identity(id)).collect()),
            Self::TrustDomain => proven(domains::with_aliases(values, domains).iter().map(|d| of_domain(d)).collect()),
            Self::Namespace => proven(values.iter().map(|value| of_namespace(value)).collect()),
            Self::ServiceAccount => proven(values.iter().map(|value| of_account(context.home, value)).collect()),
            Self::Address => each(&|value| Ok(Identifier::DirectRemoteIp(range(value)?))),
            Self::RemoteAddress => each(&|value| Ok(Identifier::RemoteIp(range(value)?))),
            Self::Header(key) => {
                let name = in_brackets(key).ok_or(Unknown::Rule)?;
                each(&|value| Ok(Identifier::Header(text::header(name, value, false))))
            }
            Self::Audiences => claim(&["aud"]),
            Self::Presenter => claim(&["azp"]),
            Self::Claim(key) => claim(&claims(key).ok_or(Unknown::Rule)?),
            Self::RequestPrincipal => Ok(subjects(values)),
        }
    }
}

/// What a caller proved in the handshake. Nothing matches it on clear text.
fn authenticated(name: StringMatcher) -> Principal {
    let authenticated = Authenticated { principal_name: Some(name) };
    Principal { identifier: Some(Identifier::Authenticated(authenticated)) }
}

fn identity(value: &str) -> StringMatcher {
    text::pattern_after("spiffe://", value)
}

fn of_domain(value: &str) -> StringMatcher {
    match value.split_once('*') {
        _ if value == "*" => text::prefix("spiffe://"),
        None => text::prefix(format!("spiffe://{value}/")),
        Some((start, end)) => text::regex(format!("spiffe://{}[^/]*{}/.*", text::quote(start), text::quote(end))),
    }
}

fn of_namespace(value: &str) -> StringMatcher {
    let parts: Vec<String> = value.split('*').map(text::quote).collect();
    text::regex(format!(".*/ns/{}/.*", parts.join(".*")))
}

/// `name` of the policy's namespace or `namespace/name`; identities may have more parts between and behind them.
fn of_account(home: &Namespace, value: &str) -> StringMatcher {
    let (namespace, account) = value.split_once('/').unwrap_or((home, value));
    text::regex(format!("spiffe://.+/ns/{}/(.+/|)sa/{}(/.+)?", text::quote(namespace), text::quote(account)))
}

#[expect(deprecated, reason = "it is what istiod sends, and what Envoys of any age understand")]
fn of_token(matcher: MetadataMatcher) -> Principal {
    Principal { identifier: Some(Identifier::Metadata(matcher)) }
}

/// Who a token is about: `issuer/subject`, where the issuer may be a URL.
fn subjects(values: &[Str]) -> Principal {
    let claim = |name: &str, matcher| of_token(metadata::claim([name], metadata::string(matcher)));
    let one = |value: &Str| {
        let (issuer, subject) = subject(value);
        Node::all(vec![claim("iss", issuer), claim("sub", subject)])
    };
    let mut all: Vec<Principal> = values.iter().map(one).collect();
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            Node::either(all)
        }
    }
}

/// Issuer and subject. An asterisk at the beginning of a value without a slash is for the subject, one at its end for
/// the issuer.
fn subject(value: &str) -> (StringMatcher, StringMatcher) {
    use text::{exact, prefix, something, suffix};
    if value == "*" {
        return (something(), something());
    }
    match (value.strip_prefix('*'), value.strip_suffix('*'), value.rsplit_once('/')) {
        (Some(_), _, Some(("*", subject))) => (something(), exact(subject)),
        (Some(_), _, Some((issuer, subject))) => (suffix(issuer.strip_prefix('*').unwrap_or(issuer)), exact(subject)),
        (Some(end), _, None) => (something(), suffix(end)),
        (None, Some(_), Some((issuer, "*"))) => (exact(issuer), something()),
        (None, Some(_), Some((issuer, subject))) => {
            (exact(issuer), prefix(subject.strip_suffix('*').unwrap_or(subject)))
        }
        (None, Some(start), None) => (prefix(start), something()),
        (None, None, Some((issuer, subject))) => (exact(issuer), exact(subject)),
        (None, None, None) => (exact(value), exact("")),
    }
}

fn in_brackets(key: &str) -> Option<&str> {
    key.strip_prefix('[')?.strip_suffix(']').filter(|name| !name.is_empty())
}

/// `[a][b]` is a path of claims; where the brackets do not pair so, there is one claim with all that is between the
/// outer ones as its name.
fn claims(key: &str) -> Option<Vec<&str>> {
    let inner = in_brackets(key)?;
    let path: Vec<&str> = inner.split("][").collect();
    let paired = path.iter().all(|name| !name.contains(['[', ']']));
    let path = if paired { path } else { vec![inner] };
    // Envoy takes no empty names.
    path.iter().all(|name| !name.is_empty()).then_some(path)
}

/// An address, or a range of them.
pub(super) fn range(value: &str) -> Result<CidrRange, Unknown> {
    let of_address = || value.parse::<IpAddr>().ok().map(IpNet::from);
    let range = value.parse::<IpNet>().ok().or_else(of_address).ok_or(Unknown::Rule)?;
    Ok(CidrRange {
        address_prefix: range.addr().to_string(),
        prefix_len: Some(proto::u32_value(range.prefix_len().into())),
    })
}
