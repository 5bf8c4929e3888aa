//! EndpointSlices.

use crate::api::endpoint_slice::EndpointSlice;
use crate::api::{Kind, Spec};

use super::known::Known;
use super::notes::Notes;

/// The label by which a slice names its Service.
const SERVICE: &str = "kubernetes.io/service-name";

pub(super) fn endpoint_slice(slice: &EndpointSlice, known: &Known<'_>, notes: &mut Notes<'_>) {
    let meta = &notes.object.meta;
    let Some(name) = meta.labels.get(SERVICE) else {
        let text = format!("has no label {SERVICE}, which names the Service that the endpoints are of; it is ignored");
        return notes.warning("no-service", "metadata.labels", text);
    };
    let Some(Spec::Service(service)) = known.object(Kind::Service, &meta.namespace, name).map(|o| &o.spec) else {
        let text =
            format!("there is no Service {}/{name}; these endpoints are not used until there is one", meta.namespace);
        return notes.warning("unknown-service", format_args!("metadata.labels[{SERVICE}]"), text);
    };
    for (at, port) in slice.ports.iter().enumerate() {
        if !service.ports.iter().any(|p| p.name == port.name) {
            let names: Vec<&str> = service.ports.iter().map(|p| p.name.as_str()).collect();
            let text = format!(
                "the Service {}/{name} has no port named {:?}, only {}; this port of the endpoints is not used",
                meta.namespace,
                port.name,
                names.join(", ")
            );
            notes.warning("unknown-port", format_args!("ports[{at}].name"), text);
        }
    }
}
