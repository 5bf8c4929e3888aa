//! The workload that a proxy is beside, as it tells of it.

use crate::base::Str;

/// A workload: its name, its namespace, the service that it is (whatever it is called by), its revision of that, its
/// labels `app` and `version`, and its cluster. Nothing is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Own(pub [Fact; 7]);

/// Something known of a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// This.
    Is(Str),
    /// What the metadata of the proxy's Node says under this name: other workloads can then share the configuration.
    OfNode(&'static str),
    /// What the label of this name says that the Node states.
    OfLabel(&'static str),
}

impl Fact {
    /// As one of Envoy's formats.
    pub(super) fn format(&self) -> String {
        match self {
            Self::Is(text) => text.replace('%', "%%"),
            Self::OfNode(key) => format!("%CEL(xds.node.metadata.{key})%"),
            Self::OfLabel(key) if key.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                format!("%CEL(xds.node.metadata.LABELS.{key})%")
            }
            Self::OfLabel(key) => format!("%CEL(xds.node.metadata.LABELS['{key}'])%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_written_and_the_rest_is_read_from_the_node() {
        let formats = [
            (Fact::Is("50%".into()), "50%%"),
            (Fact::OfNode("WORKLOAD_NAME"), "%CEL(xds.node.metadata.WORKLOAD_NAME)%"),
            (Fact::OfLabel("app"), "%CEL(xds.node.metadata.LABELS.app)%"),
            (Fact::OfLabel("app.kubernetes.io/name"), "%CEL(xds.node.metadata.LABELS['app.kubernetes.io/name'])%"),
        ];
        assert_eq!(formats.clone().map(|(fact, _)| fact.format()), formats.map(|(_, format)| format));
    }
}
