//! The kinds of objects that mizzen reads.

use std::fmt;

use super::decode::nearest;

/// A kind of object, whatever the version it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are the names of the kinds")]
pub enum Kind {
    Service,
    EndpointSlice,
    Pod,
    Node,
    Namespace,
    VirtualService,
    DestinationRule,
    ServiceEntry,
    WorkloadEntry,
    Sidecar,
    PeerAuthentication,
    Gateway,
    EnvoyFilter,
    Telemetry,
    AuthorizationPolicy,
    RequestAuthentication,
    ProxyConfig,
    WorkloadGroup,
    WasmPlugin,
    TrafficExtension,
    Ingress,
    IngressClass,
    Secret,
    ConfigMap,
}

/// What a document's `apiVersion` and `kind` say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// A kind that mizzen reads.
    Kind(Kind),
    /// A kind of somebody else, of no concern here.
    Foreign,
    /// A kind that ought to be known and is not: the sentence says what may have been meant.
    Unknown(String),
}

/// Everything fixed about a kind.
struct Traits {
    kind: Kind,
    name: &'static str,
    plural: &'static str,
    group: &'static str,
    /// All versions that are read; the first is the one istiod prints.
    versions: &'static [&'static str],
    namespaced: bool,
}

const NETWORKING: &str = "networking.istio.io";
const SECURITY: &str = "security.istio.io";
const TELEMETRY: &str = "telemetry.istio.io";
const EXTENSIONS: &str = "extensions.istio.io";
const ALL_VERSIONS: &[&str] = &["v1", "v1beta1", "v1alpha3"];
const SECURITY_VERSIONS: &[&str] = &["v1", "v1beta1"];

macro_rules! kinds {
    ($($kind:ident $plural:literal $group:expr, $versions:expr, $namespaced:literal;)*) => {
        /// In the order of the enum, so that a kind is its own index.
        const KINDS: &[Traits] = &[$(Traits {
            kind: Kind::$kind,
            name: stringify!($kind),
            plural: $plural,
            group: $group,
            versions: $versions,
            namespaced: $namespaced,
        }),*];
    };
}

kinds! {
    Service "services" "", &["v1"], true;
    EndpointSlice "endpointslices" "discovery.k8s.io", &["v1"], true;
    Pod "pods" "", &["v1"], true;
    Node "nodes" "", &["v1"], false;
    Namespace "namespaces" "", &["v1"], false;
    VirtualService "virtualservices" NETWORKING, ALL_VERSIONS, true;
    DestinationRule "destinationrules" NETWORKING, ALL_VERSIONS, true;
    ServiceEntry "serviceentries" NETWORKING, ALL_VERSIONS, true;
    WorkloadEntry "workloadentries" NETWORKING, ALL_VERSIONS, true;
    Sidecar "sidecars" NETWORKING, ALL_VERSIONS, true;
    PeerAuthentication "peerauthentications" SECURITY, SECURITY_VERSIONS, true;
    Gateway "gateways" NETWORKING, ALL_VERSIONS, true;
    EnvoyFilter "envoyfilters" NETWORKING, &["v1alpha3"], true;
    Telemetry "telemetries" TELEMETRY, &["v1", "v1alpha1"], true;
    AuthorizationPolicy "authorizationpolicies" SECURITY, SECURITY_VERSIONS, true;
    RequestAuthentication "requestauthentications" SECURITY, SECURITY_VERSIONS, true;
    ProxyConfig "proxyconfigs" NETWORKING, &["v1beta1"], true;
    WorkloadGroup "workloadgroups" NETWORKING, ALL_VERSIONS, true;
    WasmPlugin "wasmplugins" EXTENSIONS, &["v1alpha1"], true;
    TrafficExtension "trafficextensions" EXTENSIONS, &["v1alpha1"], true;
    Ingress "ingresses" "networking.k8s.io", &["v1"], true;
    IngressClass "ingressclasses" "networking.k8s.io", &["v1"], false;
    Secret "secrets" "", &["v1"], true;
    ConfigMap "configmaps" "", &["v1"], true;
}

/// Kinds of Kubernetes' core group that mizzen has no use for.
const CORE_FOREIGN: &[&str] = &[
    "Binding",
    "ComponentStatus",
    "Endpoints",
    "Event",
    "LimitRange",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PodTemplate",
    "ReplicationController",
    "ResourceQuota",
    "ServiceAccount",
];

impl Kind {
    fn traits(self) -> &'static Traits {
        &KINDS[self as usize]
    }

    /// The kind as written in documents: `VirtualService`.
    pub fn as_str(self) -> &'static str {
        self.traits().name
    }

    /// The API group, empty for Kubernetes' core.
    pub fn group(self) -> &'static str {
        self.traits().group
    }

    /// Group and version as istiod prints them: `networking.istio.io/v1`.
    pub fn api_version(self) -> String {
        let Traits { group, versions, .. } = self.traits();
        if group.is_empty() { versions[0].to_owned() } else { format!("{group}/{}", versions[0]) }
    }

    /// All versions that are read, the preferred one first.
    pub fn versions(self) -> &'static [&'static str] {
        self.traits().versions
    }

    /// The name in URLs: `virtualservices`.
    pub fn plural(self) -> &'static str {
        self.traits().plural
    }

    /// Whether objects of this kind belong to a namespace.
    pub fn namespaced(self) -> bool {
        self.traits().namespaced
    }

    /// Whether the kind is one of Istio's.
    pub fn is_istio(self) -> bool {
        self.group().ends_with("istio.io")
    }

    /// All kinds.
    pub fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter().map(|t| t.kind)
    }

    /// Finds the kind that a document's `apiVersion` and `kind` name; every version that the CRDs serve is read alike.
    pub fn recognise(api_version: &str, kind: &str) -> Recognised {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        if let Some(found) = KINDS.iter().find(|t| t.name == kind && t.group == group) {
            if found.versions.contains(&version) {
                return Recognised::Kind(found.kind);
            }
            let versions = found.versions.join(", ");
            return Recognised::Unknown(format!("{kind} has no version {version:?}, only {versions}"));
        }
        let ours = group.ends_with("istio.io");
        if (!ours && !group.is_empty()) || CORE_FOREIGN.contains(&kind) {
            return Recognised::Foreign;
        }
        let guess = nearest(kind, KINDS.iter().filter(|t| ours == t.kind.is_istio()).map(|t| t.name)).unwrap_or(kind);
        let meant = KINDS.iter().find(|t| t.name == guess);
        let hint = meant.map(|t| format!(" (perhaps {} of {} is meant)", t.name, t.kind.api_version()));
        let hint = hint.unwrap_or_default();
        Recognised::Unknown(format!("{api_version} has no kind {kind} that mizzen knows{hint}"))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
