//! What a proxy can do, read off the extensions that its Node lists.

use crate::base::Extensions;

/// Which build of Envoy it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capabilities {
    /// Istio's: it gets exactly what istiod would send.
    Istio,
    /// Any other: it gets only types that it lists.
    Stock {
        /// What it lists.
        extensions: Extensions,
        /// Whether an agent with an SDS socket is beside it (`PROXY_CONFIG` in its metadata), so that it has an identity.
        identity: bool,
    },
}

impl Capabilities {
    /// The type only Istio's build has.
    const ISTIO_TYPE: &'static str = "stats.PluginConfig";

    /// Reads the list: none at all, or one with Istio's own type, is Istio's proxy.
    pub fn new(extensions: Extensions, agent: bool) -> Self {
        if extensions.is_empty() || extensions.has(Self::ISTIO_TYPE) {
            return Self::Istio;
        }
        Self::Stock { extensions, identity: agent }
    }

    /// Whether it is Istio's own build.
    pub fn is_istio(&self) -> bool {
        matches!(self, Self::Istio)
    }

    /// Whether it takes configuration of a type, with or without `type.googleapis.com/`, or has an extension of this name
    /// that is configured by none.
    pub fn has(&self, type_url: &str) -> bool {
        match self {
            Self::Istio => true,
            Self::Stock { extensions, .. } => extensions.has(type_url.rsplit('/').next().unwrap_or(type_url)),
        }
    }

    /// Whether it can decide itself which calls and connections it lets in.
    pub fn has_guards(&self) -> bool {
        ["http.rbac.v3.RBAC", "network.rbac.v3.RBAC", "http.jwt_authn.v3.JwtAuthentication"]
            .iter()
            .all(|filter| self.has(&format!("envoy.extensions.filters.{filter}")))
    }

    /// Whether it can prove who it is, so that mutual TLS works.
    pub fn has_identity(&self) -> bool {
        match self {
            Self::Istio => true,
            Self::Stock { identity, .. } => *identity,
        }
    }
}
