//! Values merged into what is there.

use envoy_types::pb::google::protobuf::Any;
use prost::{Message, Name};

use crate::api::envoy_filter::Operation;
use crate::model::facts::Patch;
use crate::wire::reflect::{self, Error, Lists};

/// Merges a patch's value into a message of the same type.
pub(super) fn merge<M: Message + Name + Default>(into: &mut M, patch: &Patch) -> Result<(), String> {
    let lists = if patch.operation == Operation::MergeAndReplaceList { Lists::Replace } else { Lists::Append };
    let merged = reflect::merge(&M::type_url(), &into.encode_to_vec(), patch.bytes(), lists);
    let merged = merged.map_err(|why| why.to_string())?;
    *into = M::decode(&merged[..]).map_err(|why| why.to_string())?;
    Ok(())
}

/// Merges the configuration of an extension into one of the same type (istio `MergeAnyWithAny`).
pub(super) fn merge_any(into: &mut Any, from: &Any) -> Result<(), String> {
    let name = |any: &Any| any.type_url.rsplit('/').next().unwrap_or_default().to_owned();
    if name(into) != name(from) {
        return Err(Error::Mismatch(name(into), name(from)).to_string());
    }
    let merged = reflect::merge(&into.type_url, &into.value, &from.value, Lists::Append);
    into.value = merged.map_err(|why| why.to_string())?;
    Ok(())
}

/// The value of a patch; none if there is none.
pub(super) fn value<M: Message + Default>(patch: &Patch) -> Option<M> {
    patch.message.as_ref().and_then(|bytes| M::decode(bytes.as_slice()).ok())
}

/// A merge that would give a resource another name is none: others refer to it by that.
pub(super) fn keeps_name(name: &str, patched: &str) -> Result<(), String> {
    if patched.is_empty() || patched == name {
        return Ok(());
    }
    Err(format!("{name} cannot be renamed to {patched}"))
}
