//! Which pages there are.

/// Every page below `/debug/`: its name and what it is for, by name.
pub const PAGES: &[(&str, &str)] = &[
    ("adsz", "Connected proxies, what they say of themselves and what they ask for: [?proxyID=]"),
    ("adsz?push=true", "Says how many proxies have been sent what there is"),
    ("ambientz", "What ztunnels are told: nothing"),
    ("authorizationz", "AuthorizationPolicies by namespace"),
    ("cachez", "Resources that are kept encoded"),
    ("cachez?clear=true", "Forgets those that no proxy holds"),
    ("cachez?sizes=true", "How large they are"),
    ("changez", "How long the latest changes took to the last proxy's ACK, and who is behind (mizzen's own page)"),
    ("clusterz", "Clusters that are read"),
    (
        "config_dump",
        "What a proxy was sent, in the form of Envoy's config_dump: ?proxyID=[&types=cds,lds][&include_eds]",
    ),
    ("configz", "Istio's objects"),
    ("connections", "Connected proxies"),
    ("ecdsz", "Extensions that a proxy was sent: ?proxyID="),
    ("edsz", "Endpoints that a proxy was sent: ?proxyID="),
    ("endpointShardz", "Endpoints of every service"),
    ("endpointz", "The same; an old name"),
    ("findings", "What is wrong or odd in the configuration (mizzen's own page)"),
    ("inject", "Templates of injection: none"),
    ("instancesz", "For which services each proxy's workload answers"),
    ("krtz", "The objects that are read, by kind"),
    ("leaders", "Which replica writes what to the cluster (mizzen's own page)"),
    ("list", "These pages, as JSON"),
    ("mcsz", "Services of several clusters by Kubernetes' multi-cluster API: none"),
    ("mesh", "The mesh's settings"),
    ("ndsz", "Names that a proxy was sent: ?proxyID="),
    ("networkz", "How networks are entered"),
    ("push_status", "What went wrong in building resources, by metric"),
    ("pushcontext", "AuthorizationPolicies, and how networks are entered"),
    ("registryz", "Services"),
    ("resourcesz", "The kinds of configuration that are read"),
    ("sidecarz", "What a proxy sees of the mesh: ?proxyID="),
    ("syncz", "Which response each proxy was sent last, and which it accepted: [?namespace=]"),
    ("telemetryz", "Telemetries by namespace, or those in force for a proxy: [?proxyID=]"),
];

/// The names of the others, as the page of that name has them.
pub fn list() -> Vec<&'static str> {
    PAGES.iter().map(|(name, _)| *name).filter(|name| *name != "list").collect()
}

/// The page that leads to the others, as HTML.
pub fn index_page() -> String {
    let rows: String = PAGES
        .iter()
        .map(|(name, help)| format!("<tr><td><a href=\"/debug/{name}\">/debug/{name}</a></td><td>{help}</td></tr>\n"))
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>mizzen debug pages</title></head>\n\
         <body><h1>mizzen debug pages</h1>\n<p>Add <code>?pretty</code> for JSON with line breaks.</p>\n\
         <table>\n{rows}</table></body></html>\n"
    )
}
