//! Patches of route configurations that are put together from encoded virtual hosts: only those are decoded and encoded
//! again that a patch is for.

use std::sync::Arc;

use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use crate::api::envoy_filter::{ApplyTo, Operation, PatchContext};
use crate::base::Str;
use crate::generate::patch::outbound;
use crate::generate::patch::run::{self, Run};
use crate::model::facts::{Handle, Patch, PatchSet};
use crate::wire::{Cache, Encoded, Failure, Part, Rope};

use super::{added_hosts, host, matches, patch_head, patched, value};

/// The number of `virtual_hosts` in a `RouteConfiguration`.
const HOSTS: u32 = 2;

/// A route configuration as patches make it. Pieces that were patched before are not patched again.
pub fn patched_routes(
    cache: &Cache,
    routes: &Arc<Encoded>,
    patches: &Handle<PatchSet>,
) -> Result<Arc<Encoded>, Failure> {
    let context = outbound(patches);
    let here = patches.patches.iter().filter(|p| matches(patches, context, routes.name(), p));
    let set = PatchSet { patches: here.cloned().collect(), ..(**patches).clone() };
    if set.patches.is_empty() {
        return Ok(Arc::clone(routes));
    }
    if may_share(&set) {
        return patched_whole(cache, routes, &set, context);
    }
    let (head, mut left_out) = patched_head(routes, &set, context)?;
    let mut parts: Vec<Arc<Part>> = routes
        .parts()
        .iter()
        .map(|part| {
            let key = ("patched", part.digest(), &set.patches);
            cache.part_of(&key, || patched_part(part.bytes(), &set, context, routes.name()))
        })
        .collect();
    let run = Run::new(&set, context, None);
    let added = added_hosts(&run, routes.name(), || parts.iter().flat_map(|part| hosts(part.bytes())).collect());
    left_out.extend(run.into_left_out(routes.name()));
    if !added.is_empty() {
        let bytes = added.iter().fold(Vec::new(), |bytes, host| with_host(bytes, &host.encode_to_vec()));
        parts.push(cache.part_of(&("added", &bytes), || (bytes.clone(), Vec::new())));
    }
    left_out.extend(parts.iter().flat_map(|part| part.left_out()).cloned());
    cache.rope_without(Rope { name: routes.name().clone(), head, parts }, left_out)
}

/// Whether virtual hosts may get names or domains that others have. Whether they do shows only with all of them there.
fn may_share(set: &PatchSet) -> bool {
    let names = |patch: &Patch| match patch.apply_to {
        ApplyTo::VirtualHost if patch.operation != Operation::Add => {
            value::<VirtualHost>(patch).is_some_and(|host| !host.name.is_empty() || !host.domains.is_empty())
        }
        ApplyTo::RouteConfiguration => {
            value::<RouteConfiguration>(patch).is_some_and(|routes| !routes.virtual_hosts.is_empty())
        }
        _ => false,
    };
    set.patches.iter().any(|patch| names(patch))
}

/// The same in one piece, O(virtual hosts) for each patch that does not fit.
fn patched_whole(
    cache: &Cache,
    routes: &Arc<Encoded>,
    set: &PatchSet,
    context: PatchContext,
) -> Result<Arc<Encoded>, Failure> {
    let original = RouteConfiguration::decode(&routes.message()[..]).map_err(|why| lost(routes, &why))?;
    let Some(finished) = patched(set, context, routes.name(), &original) else { return Ok(Arc::clone(routes)) };
    let mut head = RouteConfiguration::decode(&finished.bytes[..]).map_err(|why| lost(routes, &why))?;
    let hosts = std::mem::take(&mut head.virtual_hosts);
    let bytes = hosts.iter().fold(Vec::new(), |bytes, host| with_host(bytes, &host.encode_to_vec()));
    let parts = vec![cache.part_of(&("whole", &bytes), || (bytes.clone(), Vec::new()))];
    cache.rope_without(Rope { name: routes.name().clone(), head, parts }, finished.left_out)
}

fn lost(routes: &Encoded, why: &prost::DecodeError) -> Failure {
    Failure { resource: routes.name().clone(), why: why.to_string(), defect: true, place: None }
}

fn patched_head(
    routes: &Encoded,
    set: &PatchSet,
    context: PatchContext,
) -> Result<(RouteConfiguration, Vec<Failure>), Failure> {
    let original = RouteConfiguration::decode(routes.head()).map_err(|why| lost(routes, &why))?;
    let finished = run::settle(set, context, routes.name(), &original, |run, head| Some(patch_head(run, head)));
    match finished {
        Some(finished) => {
            let head = RouteConfiguration::decode(&finished.bytes[..]).map_err(|why| lost(routes, &why))?;
            Ok((head, finished.left_out))
        }
        None => Ok((original, Vec::new())),
    }
}

/// Encoded virtual hosts, each with tag and length, as patches make them.
fn patched_part(mut bytes: &[u8], set: &PatchSet, context: PatchContext, routes: &Str) -> (Vec<u8>, Vec<Failure>) {
    let mut out = Vec::with_capacity(bytes.len());
    let mut left_out = Vec::new();
    let run = Run::new(set, context, None);
    while let Some(entry) = next(&mut bytes) {
        let host = VirtualHost::decode(entry).ok().filter(|h| host::is_concerned(&run, routes, h));
        let Some(original) = host else {
            out = with_host(out, entry);
            continue;
        };
        let name = Str::from(format!("virtual host {}", original.name));
        let apply = |run: &Run<'_>, virtual_host| host::patch(run, routes, virtual_host);
        if let Some(finished) = run::settle(set, context, &name, &original, apply) {
            out = with_host(out, &finished.bytes);
            left_out.extend(finished.left_out);
        }
    }
    (out, left_out)
}

fn hosts(mut bytes: &[u8]) -> Vec<VirtualHost> {
    std::iter::from_fn(|| next(&mut bytes)).filter_map(|entry| VirtualHost::decode(entry).ok()).collect()
}

/// Takes the first virtual host off.
fn next<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (HOSTS, WireType::LengthDelimited) = decode_key(bytes).ok()? else { return None };
    let len = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (entry, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(entry)
}

fn with_host(mut out: Vec<u8>, host: &[u8]) -> Vec<u8> {
    encode_key(HOSTS, WireType::LengthDelimited, &mut out);
    encode_varint(host.len() as u64, &mut out);
    out.extend_from_slice(host);
    out
}
