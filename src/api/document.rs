//! From a document of JSON to an object, or to the reasons why it is none.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::decode::{self, read, read_strictly};
use super::kind::Recognised;
use super::meta::WireMeta;
use super::report::Report;
use super::workload_entry::WorkloadEntry;
use super::{Kind, Object, Spec, endpoint_slice, node, pod, service, service_entry, workload_entry};
use crate::base::{Finding, ObjectRef, Severity, Str};

/// What came of a document.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The object; none if the document is of no concern or not usable.
    pub object: Option<Object>,
    /// What is wrong or odd; there is no object if one of them says that it is `invalid`.
    pub findings: Vec<Finding>,
}

/// Decodes and validates a document that was read from a file at a line, or came from elsewhere.
///
/// Documents of kinds that are none of mizzen's business give nothing at all. Kubernetes' `List` is for the caller
/// to take apart.
pub fn decode(document: Value, file: Option<(Str, u32)>) -> Decoded {
    let mut report = Report::new(ObjectRef { file: file.clone(), ..ObjectRef::default() });
    let object = match &document {
        Value::Null => None,
        Value::Object(_) => decode_mapping(&document, file, &mut report),
        other => {
            report.invalid("", decode::Error::must_be("a mapping with apiVersion, kind and metadata", other));
            None
        }
    };
    Decoded { object, findings: report.into_findings() }
}

fn decode_mapping(document: &Value, file: Option<(Str, u32)>, report: &mut Report) -> Option<Object> {
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version.is_empty() || kind.is_empty() {
        let missing = if api_version.is_empty() { "apiVersion" } else { "kind" };
        report.invalid(missing, "must be a string that says what this is, as in every object of Kubernetes");
        return None;
    }
    let meta =
        |key: &str| document.get("metadata").and_then(|m| m.get(key)).and_then(Value::as_str).unwrap_or_default();
    let kind = match Kind::recognise(api_version, kind) {
        Recognised::Kind(kind) => kind,
        Recognised::Foreign => return None,
        Recognised::Unknown(text) => {
            report.name(kind, meta("namespace"), meta("name"));
            report.add(Severity::Warning, "unknown-kind", "kind", format_args!("{text}; the object is ignored"));
            return None;
        }
    };
    report.name(kind.as_str(), meta("namespace"), meta("name"));
    let document = Document { value: document, kind };
    let meta: WireMeta = settle(read(document.field("metadata"), "metadata"), report)?;
    let terminating = meta.deletion_timestamp.is_some();
    let meta = meta.into_meta(kind);
    report.name(kind.as_str(), &meta.namespace, &meta.name);
    let spec = document.spec(terminating, report)?;
    let object = Object { meta, spec, file };
    super::validate::object(&object, report);
    (!report.is_fatal()).then_some(object)
}

/// The value, or a finding.
fn settle<T>(read: Result<T, decode::Error>, report: &Report) -> Option<T> {
    read.map_err(|e| report.invalid(e.path.unwrap_or_default(), e.text)).ok()
}

/// A document of a known kind.
struct Document<'a> {
    /// The document, a mapping.
    value: &'a Value,
    kind: Kind,
}

impl Document<'_> {
    fn field(&self, name: &str) -> &Value {
        self.value.get(name).unwrap_or(&Value::Null)
    }

    fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.value.as_object().into_iter().flatten()
    }

    /// A part of one of Kubernetes' own kinds, of which mizzen knows only what it needs.
    fn part<T: DeserializeOwned>(&self, name: &str, report: &Report) -> Option<T> {
        settle(read(self.field(name), name), report)
    }

    /// The spec of one of Istio's kinds, of which every field is known.
    fn strict_spec<T: DeserializeOwned>(&self, report: &Report) -> Option<T> {
        const KNOWN: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
        for (key, _) in self.entries().filter(|(k, _)| !KNOWN.contains(&k.as_str())) {
            report.unknown_field(key, Some(&format!("spec.{key}")));
        }
        let (spec, unknown) = read_strictly(self.field("spec"), "spec");
        for field in unknown {
            report.unknown_field(field.path, field.nearest);
        }
        settle(spec, report)
    }

    fn spec(&self, terminating: bool, report: &Report) -> Option<Spec> {
        Some(match self.kind {
            Kind::Service => {
                let parts: (service::Spec, service::Status) =
                    (self.part("spec", report)?, self.part("status", report)?);
                Spec::Service(parts.into())
            }
            Kind::EndpointSlice => Spec::EndpointSlice(self.whole::<endpoint_slice::EndpointSlice>(report)?),
            Kind::Pod => {
                let spec: pod::Spec = self.part("spec", report)?;
                let status: pod::Status = self.part("status", report)?;
                Spec::Pod((spec, status, terminating).into())
            }
            Kind::Node => Spec::Node(self.part::<node::Node>("status", report)?),
            Kind::Namespace => Spec::Namespace(super::namespace::Namespace {}),
            Kind::VirtualService => Spec::VirtualService(self.strict_spec(report)?),
            Kind::DestinationRule => Spec::DestinationRule(self.strict_spec(report)?),
            Kind::ServiceEntry => {
                let status: service_entry::Status = self.part("status", report)?;
                let entry = self.strict_spec(report)?;
                Spec::ServiceEntry(service_entry::ServiceEntry { allocated: status.addresses, ..entry })
            }
            Kind::WorkloadEntry => {
                let status: workload_entry::Status = self.part("status", report)?;
                let workload = self.strict_spec(report)?;
                Spec::WorkloadEntry(WorkloadEntry { workload, healthy: status.healthy() })
            }
            Kind::Sidecar => Spec::Sidecar(self.strict_spec(report)?),
            Kind::PeerAuthentication => Spec::PeerAuthentication(self.strict_spec(report)?),
            Kind::AuthorizationPolicy => Spec::AuthorizationPolicy(self.strict_spec(report)?),
            Kind::RequestAuthentication => Spec::RequestAuthentication(self.strict_spec(report)?),
            Kind::EnvoyFilter => {
                let mut filter = self.strict_spec(report)?;
                super::envoy_filter::read_values(&mut filter, report);
                Spec::EnvoyFilter(filter)
            }
            Kind::Gateway => Spec::Gateway(self.strict_spec(report)?),
            Kind::Telemetry => Spec::Telemetry(self.strict_spec(report)?),
            Kind::Ingress => Spec::Ingress(self.part("spec", report)?),
            Kind::IngressClass => Spec::IngressClass(self.part("spec", report)?),
            Kind::Secret => Spec::Secret(self.whole(report)?),
            kind => Spec::Opaque(kind, self.rest()),
        })
    }

    /// The kind has no spec: its fields are those of the document.
    fn whole<T: DeserializeOwned>(&self, report: &Report) -> Option<T> {
        settle(read(self.value, ""), report)
    }

    /// The document without what every object has.
    fn rest(&self) -> Value {
        let common = ["apiVersion", "kind", "metadata", "status"];
        let rest = self.entries().filter(|(key, _)| !common.contains(&key.as_str()));
        Value::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}
