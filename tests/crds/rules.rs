//! What CEL checks, by place: a rule, and what to say where it does not hold.

type Rule = (&'static str, &'static str);

const ONE_TARGET: Rule = (
    "(has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
    "only one of selector, targetRef and targetRefs may be set",
);
const PORT: Rule = ("0 < self && self <= 65535", "must be a port, from 1 to 65535");

/// The rules at `Kind:path`, without those that durations have everywhere.
const RULES: &[(&str, &[Rule])] = &[
    (
        "PeerAuthentication:",
        &[(
            "!has(self.portLevelMtls) || (has(self.selector) && has(self.selector.matchLabels) && size(self.selector.matchLabels) > 0)",
            "portLevelMtls needs a selector",
        )],
    ),
    (
        "PeerAuthentication:portLevelMtls",
        &[("self.all(port, 0 < int(port) && int(port) <= 65535)", "every port must be a number from 1 to 65535")],
    ),
    (
        "ServiceEntry:",
        &[
            (
                "!(has(self.workloadSelector) && has(self.endpoints))",
                "only one of workloadSelector and endpoints may be set",
            ),
            (
                "!(has(self.addresses) && self.addresses.exists(a, a.contains('/'))) || !has(self.resolution) || self.resolution in ['NONE', 'STATIC']",
                "addresses in CIDR notation need resolution NONE or STATIC",
            ),
            (
                "(has(self.resolution) && self.resolution != 'NONE') || !has(self.endpoints)",
                "resolution NONE allows no endpoints",
            ),
            (
                "!has(self.resolution) || self.resolution != 'DNS_ROUND_ROBIN' || !has(self.endpoints) || size(self.endpoints) <= 1",
                "resolution DNS_ROUND_ROBIN allows at most one endpoint",
            ),
        ],
    ),
    ("ServiceEntry:hosts[]", &[("self != '*'", "a host must not be *")]),
    (
        "ServiceEntry:ports",
        &[("self.all(a, self.exists_one(b, a.number == b.number))", "every port number may be there once only")],
    ),
    ("ServiceEntry:ports[].number", &[PORT]),
    ("ServiceEntry:ports[].targetPort", &[PORT]),
    ("ServiceEntry:endpoints[]", ENDPOINT),
    ("ServiceEntry:endpoints[].address", UNIX),
    ("ServiceEntry:endpoints[].ports", PORTS),
    ("WorkloadEntry:", ENDPOINT),
    ("WorkloadEntry:address", UNIX),
    ("WorkloadEntry:ports", PORTS),
    ("Gateway:servers[].tls", CREDENTIALS),
    ("Sidecar:ingress[].tls", CREDENTIALS),
    ("Sidecar:workloadSelector.labels", SELECTOR),
    ("DestinationRule:workloadSelector.matchLabels", SELECTOR),
    ("PeerAuthentication:selector.matchLabels", SELECTOR),
    ("EnvoyFilter:workloadSelector.labels", SELECTOR),
    (
        "EnvoyFilter:",
        &[(
            "!(has(self.workloadSelector) && has(self.targetRefs))",
            "only one of workloadSelector and targetRefs may be set",
        )],
    ),
    ("EnvoyFilter:targetRefs[].namespace", NO_NAMESPACE),
    (
        "AuthorizationPolicy:rules[].from[].source",
        &[(
            "!(has(self.serviceAccounts) || has(self.notServiceAccounts)) || !(has(self.principals) || has(self.notPrincipals) || has(self.namespaces) || has(self.notNamespaces))",
            "serviceAccounts allow neither principals nor namespaces beside them",
        )],
    ),
    (
        "Telemetry:metrics[].overrides[].tagOverrides{}",
        &[
            (
                "!has(self.operation) || self.operation != 'UPSERT' || (has(self.value) && self.value != '')",
                "UPSERT needs a value",
            ),
            ("!has(self.operation) || self.operation != 'REMOVE' || !has(self.value)", "REMOVE allows no value"),
        ],
    ),
    ("AuthorizationPolicy:selector.matchLabels", SELECTOR),
    ("RequestAuthentication:selector.matchLabels", SELECTOR),
    ("Telemetry:selector.matchLabels", SELECTOR),
    ("AuthorizationPolicy:", &[ONE_TARGET]),
    ("RequestAuthentication:", &[ONE_TARGET]),
    ("Telemetry:", &[ONE_TARGET]),
    ("WasmPlugin:", &[ONE_TARGET]),
    ("AuthorizationPolicy:targetRefs[].namespace", NO_NAMESPACE),
    ("AuthorizationPolicy:targetRef.namespace", NO_NAMESPACE),
    ("RequestAuthentication:targetRefs[].namespace", NO_NAMESPACE),
    ("RequestAuthentication:targetRef.namespace", NO_NAMESPACE),
    ("Telemetry:targetRefs[].namespace", NO_NAMESPACE),
    ("Telemetry:targetRef.namespace", NO_NAMESPACE),
];

const ENDPOINT: &[Rule] = &[
    ("has(self.address) || has(self.network)", "address or network must be set"),
    (
        "!has(self.address) || !self.address.startsWith('unix://') || !has(self.ports)",
        "an address of a Unix socket allows no ports",
    ),
];

const UNIX: &[Rule] = &[(
    "!self.startsWith('unix://') || (self.matches('^unix://(/|@).+') && !self.endsWith('/'))",
    "a Unix socket must be an absolute path of a file, or abstract",
)];

const PORTS: &[Rule] = &[(
    "self.all(name, size(name) < 63 && name.matches('^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$'))",
    "every name must be that of a port",
)];

const CREDENTIALS: &[Rule] = &[(
    "(has(self.credentialName) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) + (has(self.tlsCertificates) ? 1 : 0) <= 1",
    "only one of credentialName, credentialNames and tlsCertificates may be set",
)];

const SELECTOR: &[Rule] = &[
    ("self.all(label, size(label) > 0 && !label.contains('*'))", "a label must have a name without *"),
    ("self.all(label, !self[label].contains('*'))", "the value of a label must be without *"),
];

const NO_NAMESPACE: &[Rule] = &[("size(self) == 0", "other namespaces cannot be referred to")];

/// How large things may be, by the end of their place; the API server runs no rule whose cost has no bound.
const LIMITS: &[(&str, &str, u32)] = &[
    (".matchLabels", "maxProperties", 4096),
    (".matchLabels{}", "maxLength", 63),
    ("workloadSelector.labels", "maxProperties", 256),
    ("workloadSelector.labels{}", "maxLength", 63),
    (":targetRefs", "maxItems", 16),
    (":targetRefs[].group", "maxLength", 253),
    (":targetRefs[].kind", "maxLength", 63),
    (":targetRefs[].name", "maxLength", 253),
    (":targetRef.group", "maxLength", 253),
    (":targetRef.kind", "maxLength", 63),
    (":targetRef.name", "maxLength", 253),
    ("AuthorizationPolicy:rules", "maxItems", 512),
    ("AuthorizationPolicy:rules[].from", "maxItems", 512),
    ("ource.serviceAccounts", "maxItems", 16),
    ("ource.serviceAccounts[]", "maxLength", 320),
    ("ource.notServiceAccounts", "maxItems", 16),
    ("ource.notServiceAccounts[]", "maxLength", 320),
    ("Gateway:servers[].tls.credentialNames", "maxItems", 2),
    ("Gateway:servers[].tls.tlsCertificates", "maxItems", 2),
    ("Sidecar:ingress[].tls.credentialNames", "maxItems", 2),
    ("Sidecar:ingress[].tls.tlsCertificates", "maxItems", 2),
    ("rafficPolicy.portLevelSettings", "maxItems", 4096),
    ("ServiceEntry:hosts", "maxItems", 256),
    ("ServiceEntry:addresses", "maxItems", 256),
    ("ServiceEntry:addresses[]", "maxLength", 64),
    ("ServiceEntry:ports", "maxItems", 256),
    ("ServiceEntry:ports[].name", "maxLength", 256),
    ("ServiceEntry:ports[].protocol", "maxLength", 256),
    ("ServiceEntry:endpoints", "maxItems", 4096),
    ("ServiceEntry:endpoints[].address", "maxLength", 256),
    ("ServiceEntry:endpoints[].labels", "maxProperties", 256),
    ("ServiceEntry:endpoints[].locality", "maxLength", 2048),
    ("ServiceEntry:endpoints[].network", "maxLength", 2048),
    ("ServiceEntry:endpoints[].ports", "maxProperties", 128),
    ("ServiceEntry:endpoints[].serviceAccount", "maxLength", 253),
    ("WorkloadEntry:address", "maxLength", 256),
    ("WorkloadEntry:labels", "maxProperties", 256),
    ("WorkloadEntry:locality", "maxLength", 2048),
    ("WorkloadEntry:network", "maxLength", 2048),
    ("WorkloadEntry:ports", "maxProperties", 128),
    ("WorkloadEntry:serviceAccount", "maxLength", 253),
];

/// What must be there, by the end of the place.
const REQUIRED: &[(&str, &[&str])] = &[
    ("DestinationRule:", &["host"]),
    ("DestinationRule:subsets[]", &["name"]),
    (".httpCookie", &["name"]),
    (".httpCookie.attributes[]", &["name"]),
    (".warmup", &["duration"]),
    (".tunnel", &["targetHost", "targetPort"]),
    (":targetRefs[]", &["kind", "name"]),
    (":targetRef", &["kind", "name"]),
    ("AuthorizationPolicy:rules[].when[]", &["key"]),
    ("[].providers[]", &["name"]),
    (".customTags{}.environment", &["name"]),
    (".customTags{}.formatter", &["value"]),
    (".customTags{}.header", &["name"]),
    (".customTags{}.literal", &["value"]),
    ("Gateway:servers[]", &["port", "hosts"]),
    ("Gateway:servers[].port", &["number", "protocol", "name"]),
    ("ServiceEntry:", &["hosts"]),
    ("ServiceEntry:ports[]", &["number", "name"]),
    ("Sidecar:egress[]", &["hosts"]),
    ("Sidecar:ingress[]", &["port"]),
    (".egressProxy", &["host"]),
    ("VirtualService:http[].directResponse", &["status"]),
    ("VirtualService:http[].mirror", &["host"]),
    ("VirtualService:http[].mirrors[]", &["destination"]),
    (".route[]", &["destination"]),
    ("[].destination", &["host"]),
    ("VirtualService:tls[]", &["match"]),
    ("VirtualService:tls[].match[]", &["sniHosts"]),
];

/// The fields that must be there at a place.
pub(crate) fn required(place: &str) -> Vec<&'static str> {
    REQUIRED.iter().filter(|(end, _)| place.ends_with(end)).flat_map(|(_, names)| names.iter().copied()).collect()
}

/// The limits at a place, as keywords of a schema.
pub(crate) fn limits(place: &str) -> impl Iterator<Item = (&'static str, u32)> {
    LIMITS.iter().filter(move |(end, _, _)| place.ends_with(end)).map(|(_, keyword, limit)| (*keyword, *limit))
}

/// Durations that may be 0, by the end of their place: 0 has a meaning of its own there.
const MAY_BE_ZERO: [&str; 3] = [".tcp.idleTimeout", ".httpCookie.ttl", ".retryBudget.budgetInterval"];

/// Whether a duration must be at least a millisecond.
pub(crate) fn must_last(place: &str) -> bool {
    !MAY_BE_ZERO.iter().any(|end| place.ends_with(end))
}

/// Fields that are also written in the way of protobuf, by their place: objects are stored so.
pub(crate) const OTHER_SPELLINGS: &[(&str, &str, &str)] =
    &[("VirtualService:http[]", "mirrorPercent", "mirror_percent")];

/// The rules at a place, which is `Kind:path`.
pub(crate) fn at(place: &str) -> Vec<Rule> {
    RULES.iter().filter(|(at, _)| *at == place).flat_map(|(_, rules)| rules.iter().copied()).collect()
}
