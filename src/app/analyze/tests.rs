//! How findings are printed.

use std::fs;

use clap::Parser;

use super::{Outcome, run};
use crate::config::{Cli, Command};

const WRONG: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {ports: [{port: 99999, targetPort: 80}]}\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r, namespace: shop}\nspec:\n  hosts: [b.example.com]\n  http:\n  - route:\n    - destination: {host: nowhere}\n";

fn analyze(text: &str, flags: &[&str], coloured: bool) -> (Outcome, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    fs::write(&file, text).unwrap();
    let path = file.display().to_string();
    let cli = Cli::try_parse_from(["mizzen", "analyze", path.as_str()].iter().chain(flags)).unwrap();
    let Command::Analyze(args) = cli.command else { panic!("another command") };
    let mut out = Vec::new();
    let outcome = run(&args, coloured, &mut out).unwrap();
    (outcome, String::from_utf8(out).unwrap().replace(&path, "a.yaml"))
}

#[test]
fn findings_are_grouped_by_file_and_counted() {
    let (outcome, text) = analyze(WRONG, &[], false);
    let expected = "\
a.yaml
  4:    error Service shop/a spec.ports[0].port
        must be a port from 1 to 65535, found 99999; this version of the object is not used [invalid]
  10:   info VirtualService shop/r spec.hosts[0]
        no service has the host b.example.com; sidecars use these routes only for HTTP calls that happen to name it [unregistered-host]
  13:   error VirtualService shop/r spec.http[0].route[0].destination.host
        no service has the host nowhere.shop.svc.cluster.local; calls that take this route fail until one does [unknown-host]

2 errors, 0 warnings, 1 note: 2 objects looked at.
";
    assert_eq!((text.as_str(), outcome), (expected, Outcome { fails: true }));
}

#[test]
fn a_clean_folder_says_how_much_was_looked_at() {
    let clean = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    let said = "Nothing found wrong or odd: 1 object looked at.\n".to_owned();
    assert_eq!(analyze(clean, &[], true), (Outcome { fails: false }, said));
}

#[test]
fn the_threshold_decides_what_fails() {
    let warning = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r}\nspec: {host: a.b}\n";
    assert!(!analyze(warning, &[], false).0.fails);
    assert!(analyze(warning, &["--failure-threshold", "Warning"], false).0.fails);
    assert!(!analyze(WRONG, &["--output-threshold", "warning"], false).1.contains("info "));
}

#[test]
fn colours_are_for_terminals() {
    assert!(analyze(WRONG, &[], true).1.contains("\x1b[31;1merror\x1b[0m"));
    assert!(!analyze(WRONG, &[], false).1.contains('\x1b'));
}

#[test]
fn json_has_the_same_fields_for_every_finding() {
    let (_, text) = analyze(WRONG, &["-o", "json"], false);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let counted = ["objects", "errors", "warnings", "infos"].map(|key| json[key].as_u64().unwrap());
    assert_eq!(counted, [2, 2, 0, 1]);
    let keys = ["code", "field", "file", "kind", "line", "name", "namespace", "severity", "text"];
    for finding in json["findings"].as_array().unwrap() {
        assert_eq!(finding.as_object().unwrap().keys().collect::<Vec<_>>(), keys);
    }
    assert_eq!(json["findings"][0]["line"], 4);
}

#[test]
fn a_path_that_is_not_there_is_an_error_and_no_finding() {
    let cli = Cli::try_parse_from(["mizzen", "analyze", "/nowhere/at/all"]).unwrap();
    let Command::Analyze(args) = cli.command else { panic!("another command") };
    assert!(run(&args, false, &mut Vec::new()).is_err());
}
