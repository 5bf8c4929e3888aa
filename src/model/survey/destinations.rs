//! Where a route sends calls: whether there is such a service, such a subset, such a port.

use crate::api::virtual_service::Destination;
use crate::base::{Host, Str};
use crate::model::facts::{Handle, Service};

use super::known::Known;
use super::notes::Notes;

/// Looks at one destination; `path` is that of the message.
pub(super) fn destination(destination: &Destination, path: &str, known: &Known<'_>, notes: &mut Notes<'_>) {
    let host = known.resolve(&destination.host, notes.namespace());
    if !known.is_known(&host) {
        let hint = known.hint(&host);
        let text = format!("no service has the host {host}{hint}; calls that take this route fail until one does");
        return notes.error("unknown-host", format_args!("{path}.host"), text);
    }
    subset(&destination.subset, &host, path, known, notes);
    let definitions = known.definitions(&host);
    if let Some(port) = destination.port
        && !definitions.iter().any(|s| s.port(port.number as u16).is_some())
    {
        let text = format!(
            "{host} has no port {}, only {}; calls that take this route fail",
            port.number,
            port_numbers(&definitions)
        );
        notes.error("unknown-port", format_args!("{path}.port.number"), text);
    }
}

fn subset(subset: &Str, host: &Host, path: &str, known: &Known<'_>, notes: &mut Notes<'_>) {
    if subset.is_empty() || known.has_subset(host, subset) {
        return;
    }
    let hint = known.subset_hint(host, subset);
    let text = format!(
        "no DestinationRule for {host} defines the subset {subset:?}{hint}; calls that take this route fail until one does"
    );
    notes.error("unknown-subset", format_args!("{path}.subset"), text);
}

/// The ports of some definitions, for a sentence.
pub(super) fn port_numbers(definitions: &[&Handle<Service>]) -> String {
    let mut numbers: Vec<u16> = definitions.iter().flat_map(|s| &s.ports).map(|p| p.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    match numbers.len() {
        0 => "none".to_owned(),
        1..=8 => numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(", "),
        many => format!("{many} others"),
    }
}
