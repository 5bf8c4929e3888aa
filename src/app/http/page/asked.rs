//! What a query asks for.

use crate::app::http::query::Query;
use crate::base::{Host, Namespace};
use crate::page::Ask;
use crate::wire::ResourceType;

use super::answer::Error;

/// The part of a list.
pub(super) fn list(query: &Query<'_>) -> Ask {
    Ask::read(|name| query.get(name).map(str::to_owned))
}

/// The type of resource.
pub(super) fn kind(query: &Query<'_>) -> Result<ResourceType, Error> {
    let asked = query.get("type").unwrap_or_default();
    ResourceType::ALL.into_iter().find(|kind| kind.short() == asked).ok_or(Error::NoType)
}

/// The name of a resource; that of a name table is empty.
pub(super) fn name(query: &Query<'_>) -> String {
    query.get("name").unwrap_or_default().to_owned()
}

/// The host of a service.
pub(super) fn host(query: &Query<'_>) -> Host {
    query.get("host").unwrap_or_default().into()
}

/// The namespace of a service.
pub(super) fn namespace(query: &Query<'_>) -> Namespace {
    query.get("namespace").unwrap_or_default().into()
}
