//! What is called (istio `pilot/pkg/security/authz/model/{generator,permission}.go`).

use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::config::rbac::v3::Permission;
use envoy_types::pb::envoy::config::rbac::v3::permission::Rule;
use envoy_types::pb::envoy::extensions::path::r#match::uri_template::v3::UriTemplateMatchConfig;
use envoy_types::pb::envoy::r#type::matcher::v3::{PathMatcher, ValueMatcher, path_matcher};

use crate::base::Str;
use crate::wire::any;

use super::peer::range;
use super::rule::{Context, Node, Subject, Unknown};
use super::{Form, metadata, text};

/// What is compared.
#[derive(Clone, Copy)]
pub(super) enum Target<'r> {
    Host,
    Method,
    Path,
    Port,
    Address,
    ServerName,
    /// What a filter keeps under a name.
    Metadata(&'r str),
}

impl<'r> Target<'r> {
    /// What a condition's key names, if that is part of what is called.
    pub(super) fn of_key(key: &'r str) -> Option<Self> {
        match key {
            "destination.ip" => Some(Self::Address),
            "destination.port" => Some(Self::Port),
            "connection.sni" => Some(Self::ServerName),
            _ => key.strip_prefix("experimental.").filter(|of| of.starts_with("envoy.filters.")).map(Self::Metadata),
        }
    }

    fn is(self, value: &Str, context: &Context<'_>) -> Result<Permission, Unknown> {
        let rule = match self {
            Self::Host => Rule::Header(text::header(":authority", value, true)),
            Self::Method => Rule::Header(text::header(":method", value, false)),
            Self::Path => path(value, context)?,
            Self::Port => Rule::DestinationPort(value.parse::<u16>().map_err(|_| Unknown::Rule)?.into()),
            Self::Address => Rule::DestinationIp(range(value)?),
            Self::ServerName => Rule::RequestedServerName(text::pattern(value)),
            Self::Metadata(_) => return Err(Unknown::Rule),
        };
        Ok(Permission { rule: Some(rule) })
    }
}

impl Subject for Target<'_> {
    type Node = Permission;

    fn one_of(&self, values: &[Str], context: &Context<'_>) -> Result<Permission, Unknown> {
        match self {
            Self::Host | Self::Method | Self::Path if context.form == Form::Bytes => Err(Unknown::Rule),
            Self::Metadata(key) => kept(key, values),
            _ => Ok(Node::either(values.iter().map(|value| self.is(value, context)).collect::<Result<_, _>>()?)),
        }
    }
}

/// A path, or a template in which `{*}` is a segment and `{**}` the rest.
fn path(value: &str, context: &Context<'_>) -> Result<Rule, Unknown> {
    if !value.contains("{*}") && !value.contains("{**}") {
        return Ok(Rule::UrlPath(PathMatcher { rule: Some(path_matcher::Rule::Path(text::pattern(value))) }));
    }
    // At templates that it cannot read, Envoy aborts.
    if !context.knowledge.templates || !value.starts_with('/') || value.contains("//") {
        return Err(Unknown::Alternative);
    }
    let template = UriTemplateMatchConfig { path_template: value.replace("{**}", "**").replace("{*}", "*") };
    let config = TypedExtensionConfig { name: "uri-template".to_owned(), typed_config: Some(any(&template)) };
    Ok(Rule::UriTemplate(config))
}

#[expect(deprecated, reason = "it is what istiod sends, and what Envoys of any age understand")]
/// What a filter keeps: a key `envoy.filters.a[b]` names the filter and what it keeps, a value `[v]` is one of a list.
fn kept(key: &str, values: &[Str]) -> Result<Permission, Unknown> {
    let (filter, name) = key.strip_suffix(']').unwrap_or(key).split_once('[').ok_or(Unknown::Rule)?;
    let value = |value: &Str| -> ValueMatcher {
        match value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
            Some(inner) => metadata::list(metadata::string(text::pattern(inner.trim_matches(['[', ']'])))),
            None => metadata::string(text::pattern(value)),
        }
    };
    let value = metadata::either(values.iter().map(value).collect());
    Ok(Permission { rule: Some(Rule::Metadata(metadata::metadata(filter, [name], value))) })
}
