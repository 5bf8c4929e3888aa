use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::mesh::MeshConfig;
use crate::model::facts::ExportTo;
use crate::model::index::Index;
use crate::model::index::tests::{entry, index, put};

/// Who may see the one ServiceEntry.
fn seen_by(index: &Index) -> Option<Vec<String>> {
    match &index.snapshot().services().next().unwrap().export_to {
        ExportTo::All => None,
        ExportTo::Only(namespaces) => Some(namespaces.iter().map(ToString::to_string).collect()),
    }
}

fn allow(index: &mut Index, visibility: Value) {
    let (mesh, findings) = MeshConfig::parse(json!({"serviceEntryVisibility": visibility}));
    assert!(findings.is_empty(), "{findings:?}");
    index.apply(&BTreeMap::new(), Some(mesh));
}

#[test]
fn the_mesh_narrows_who_sees_a_service_entry_and_never_widens_it() {
    let mut index = index();
    put(&mut index, &[entry("a", "shop", "a.example.com", json!({}))]);
    assert_eq!(seen_by(&index), None);
    allow(&mut index, json!({"defaultVisibility": "NAMESPACE"}));
    assert_eq!(seen_by(&index), None, "that is for ambient proxies");
    let own = json!({"defaultVisibility": "NAMESPACE", "applyToSidecars": true});
    allow(&mut index, own);
    assert_eq!(seen_by(&index), Some(vec!["shop".to_owned()]));
    put(&mut index, &[entry("a", "shop", "a.example.com", json!({"exportTo": ["other"]}))]);
    assert_eq!(seen_by(&index), Some(Vec::new()), "its namespace was not among them");
}

#[test]
fn the_first_policy_whose_rules_all_match_holds_and_labels_change_it() {
    let mut index = index();
    put(&mut index, &[entry("a", "shop", "a.example.com", json!({}))]);
    let trusted = json!({"namespaceSelector": {"matchLabels": {"trusted": "yes"}}});
    let named = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}});
    allow(
        &mut index,
        json!({"applyToSidecars": true, "defaultVisibility": "NONE",
        "policies": [{"visibility": "PUBLIC", "matchingRules": [trusted, named]}]}),
    );
    assert_eq!(seen_by(&index), Some(Vec::new()));
    put(
        &mut index,
        &[json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {"trusted": "yes"}}})],
    );
    assert_eq!(seen_by(&index), None);
}
