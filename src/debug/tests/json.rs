use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::debug::json::{Error, from_json, to_json};
use crate::wire::schema;

const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const ACCESS_LOG: &str = "envoy.data.accesslog.v3.AccessLogCommon";

/// The sections of a golden file, and of what type the resources in each are.
const SECTIONS: [(&str, &str); 4] = [
    ("clusters", CLUSTER),
    ("endpoints", "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"),
    ("listeners", "type.googleapis.com/envoy.config.listener.v3.Listener"),
    ("routes", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"),
];

fn round_trip(type_url: &str, value: &Value) -> Result<Value, Error> {
    to_json(type_url, &from_json(type_url, value.clone())?)
}

#[test]
fn every_golden_resource_is_valid_and_prints_as_it_was() {
    let mut seen = BTreeSet::new();
    for file in golden_files() {
        let golden: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for (section, type_url) in SECTIONS {
            for (name, resource) in golden[section].as_object().unwrap() {
                if seen.insert(resource.to_string()) {
                    let place = format!("{}: {section} {name}", file.display());
                    let mut bytes = from_json(type_url, resource.clone()).expect(&place);
                    schema::check(type_url, &mut bytes).expect(&place);
                    assert_eq!(&to_json(type_url, &bytes).expect(&place), resource, "{place}");
                }
            }
        }
        if golden["nametable"].as_object().is_some_and(|table| !table.is_empty()) {
            let table = json!({ "table": golden["nametable"] });
            assert_eq!(round_trip("istio.networking.nds.v1.NameTable", &table).unwrap(), table);
        }
    }
}

fn golden_files() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let cases = fs::read_dir(&corpus)
        .unwrap_or_else(|error| panic!("the corpus of istiod's output must be in {}: {error}", corpus.display()));
    let files = cases.filter_map(|case| fs::read_dir(case.unwrap().path().join("golden")).ok());
    let files: Vec<_> = files.flatten().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty(), "no case in {} has golden files", corpus.display());
    files
}

#[test]
fn numbers_are_printed_as_go_prints_them() {
    let cluster = json!({
        "name": "a",
        "perConnectionBufferLimitBytes": 32768,
        "connectTimeout": "0.250s",
        "preconnectPolicy": { "perUpstreamPreconnectRatio": 2, "predictivePreconnectRatio": 1.25 },
        "maglevLbConfig": { "tableSize": "65537" },
        "metadata": { "filterMetadata": { "x": { "whole": 7, "huge": 1e300, "negative": -0.5 } } },
    });
    assert_eq!(round_trip(CLUSTER, &cluster).unwrap(), cluster);

    let penalty = json!({ "errorUtilizationPenalty": 0.1 });
    let policy =
        "envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin";
    assert_eq!(round_trip(policy, &penalty).unwrap(), penalty, "a float is not widened");
    for odd in ["NaN", "Infinity", "-Infinity"] {
        let value = json!({ "sampleRate": odd });
        assert_eq!(round_trip(ACCESS_LOG, &value).unwrap(), value);
    }
}

#[test]
fn both_spellings_are_read_and_defaults_are_not_printed() {
    let spelled =
        json!({ "name": "", "alt_stat_name": "a", "type": 0, "lbPolicy": "ROUND_ROBIN", "dns_refresh_rate": "5s" });
    // `type` is a member of a oneof, so that even its zero value says something.
    let printed = json!({ "altStatName": "a", "type": "STATIC", "dnsRefreshRate": "5s" });
    assert_eq!(round_trip(CLUSTER, &spelled).unwrap(), printed);
}

#[test]
fn what_has_no_json_form_is_an_error_that_says_why() {
    assert!(matches!(to_json("type.googleapis.com/no.such.Type", &[]), Err(Error::UnknownType(_))));
    assert!(matches!(to_json(CLUSTER, &[0xff]), Err(Error::Decode(_))));
    assert!(matches!(from_json(CLUSTER, json!({ "nmae": "a" })), Err(Error::Json(_))));
    let inside = json!({ "typedExtensionProtocolOptions": { "a": { "@type": "x/no.such.Type" } } });
    assert!(matches!(from_json(CLUSTER, inside), Err(Error::Json(_))));
}
