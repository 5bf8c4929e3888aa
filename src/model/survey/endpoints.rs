//! EndpointSlices.

use std::collections::BTreeSet;

use crate::api::endpoint_slice::EndpointSlice;
use crate::api::{Key, Kind, Spec};
use crate::base::{Namespace, Str};

use super::Survey;
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

/// The services of slices in which an endpoint names a pod that is not there, and the number of such endpoints.
pub(super) fn without_pods(survey: &Survey) -> (usize, usize) {
    let from = Key::new(Kind::EndpointSlice, Namespace::default(), Str::default());
    let slices = survey.objects.range(from..).take_while(|(key, _)| key.kind == Kind::EndpointSlice);
    let (mut services, mut count) = (BTreeSet::new(), 0);
    for (key, object) in slices {
        let Spec::EndpointSlice(slice) = &object.spec else { continue };
        let Some(service) = object.meta.labels.get(SERVICE) else { continue };
        for target in slice.endpoints.iter().filter_map(|e| e.target_ref.as_ref()).filter(|t| t.kind == "Pod") {
            let namespace = match target.namespace.is_empty() {
                true => key.namespace.clone(),
                false => Namespace::new(target.namespace.clone()),
            };
            let pod = Key { cluster: key.cluster.clone(), ..Key::new(Kind::Pod, namespace, target.name.clone()) };
            if !survey.objects.contains_key(&pod) {
                services.insert((&key.namespace, service));
                count += 1;
            }
        }
    }
    (services.len(), count)
}
