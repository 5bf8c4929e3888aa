//! What EnvoyFilters make of resources (istio `pilot/pkg/networking/core/envoyfilter`).
//!
//! Comes in: the message that a recipe built and the [`PatchSet`] that holds for the proxies. Goes out: the message as
//! it is sent, or that it is not sent at all, and which patches had to be left out.
//!
//! Invariants: the patches are applied in the order of the set, sort of thing by sort of thing from the outside in, as
//! istiod does. A patch that does not fit, or after which Envoy would refuse the resource, is left out alone.
//! Absent: which patches hold for a proxy (`plan::patches`), and whether their values are messages at all (`api`).

mod chain;
mod cluster;
mod demand;
mod edit;
mod http;
mod listener;
mod merge;
mod route;
mod run;

#[cfg(test)]
mod tests;

pub use route::patched_routes;
pub use run::left_out;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::{TrafficDirection, TypedExtensionConfig};
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use prost::{Message, Name};

use crate::api::envoy_filter::PatchContext;
use crate::base::Str;
use crate::model::facts::{Handle, Patch, PatchSet};
use crate::wire::{Finish, Finished, Recipe, Refusal};

/// The patches that a resource goes through between its builder and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patched<'p>(pub &'p Handle<PatchSet>);

impl Finish for Patched<'_> {
    fn finish(&self, type_url: &str, name: &Str, message: Vec<u8>) -> Result<Option<Finished>, Refusal> {
        let lost = |why: prost::DecodeError| Refusal(why.to_string());
        let set = &**self.0;
        if type_url == Cluster::type_url() {
            let original = Cluster::decode(&message[..]).map_err(lost)?;
            let context = cluster_context(set, &original.name);
            return Ok(run::settle(set, context, name, &original, cluster::patch));
        }
        if type_url == Listener::type_url() {
            let original = Listener::decode(&message[..]).map_err(lost)?;
            let context = listener_context(set, &original);
            return Ok(run::settle_under(set, context, name, &original, listener::patch, demand::of_listener));
        }
        if type_url == RouteConfiguration::type_url() {
            let original = RouteConfiguration::decode(&message[..]).map_err(lost)?;
            let context = outbound(set);
            return Ok(route::patched(set, context, name, &original));
        }
        Ok(Some(Finished { bytes: message, left_out: Vec::new() }))
    }
}

fn outbound(set: &PatchSet) -> PatchContext {
    if set.gateway { PatchContext::Gateway } else { PatchContext::SidecarOutbound }
}

fn cluster_context(set: &PatchSet, name: &str) -> PatchContext {
    let inbound = name.starts_with("inbound|") || name == "InboundPassthroughCluster";
    if inbound && !set.gateway { PatchContext::SidecarInbound } else { outbound(set) }
}

fn listener_context(set: &PatchSet, listener: &Listener) -> PatchContext {
    let inbound = listener.traffic_direction() == TrafficDirection::Inbound;
    if inbound && !set.gateway { PatchContext::SidecarInbound } else { outbound(set) }
}

macro_rules! added {
    ($($(#[$doc:meta])* $recipe:ident: $message:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $recipe {
            name: Str,
            patch: Handle<Patch>,
        }

        impl $recipe {
            /// What a patch adds, if that has a name.
            pub fn new(patch: &Handle<Patch>) -> Option<Self> {
                let name = Str::from(<$message>::decode(patch.bytes()).ok()?.name);
                (!name.is_empty()).then(|| Self { name, patch: patch.clone() })
            }
        }

        impl Recipe for $recipe {
            type Message = $message;

            fn name(&self) -> Str {
                self.name.clone()
            }

            fn build(&self) -> Result<$message, Refusal> {
                <$message>::decode(self.patch.bytes()).map_err(|why| Refusal(why.to_string()))
            }
        }
    )*};
}

added! {
    /// A cluster that a patch adds.
    AddedCluster: Cluster;
    /// A listener that a patch adds.
    AddedListener: Listener;
    /// The configuration of an extension that a patch adds.
    AddedExtension: TypedExtensionConfig;
}
