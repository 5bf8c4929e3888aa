//! What a kubeconfig may say of the way to the API server.

use std::fs;
use std::path::PathBuf;

use crate::support::cluster::Cluster;
use crate::support::source::{SOON, Source};

/// A kubeconfig in which something is put in the place of something else.
fn edited(cluster: &Cluster, from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(cluster.kubeconfig()).unwrap();
    assert!(text.contains(from), "{text}");
    let path = cluster.kubeconfig().with_file_name("edited");
    fs::write(&path, text.replace(from, to)).unwrap();
    path
}

#[test]
fn the_server_must_prove_to_be_who_the_kubeconfig_says() {
    let cluster = Cluster::bare();
    let name = |name: &str| edited(&cluster, "{server:", &format!("{{tls-server-name: {name}, server:"));
    // Its certificate is for this name too.
    let mut source = Source::by(name("kubernetes.default.svc"));
    source.until("everything to be read", SOON, |s| s.synced);
    let mut source = Source::by(name("elsewhere.example"));
    source.until("word of the wrong name", SOON, |s| {
        s.findings.iter().any(|f| f.code == "api-server-away" && f.text.contains("elsewhere.example"))
    });
    let mut source =
        Source::by(edited(&cluster, "certificate-authority: certs/apiserver.crt", "insecure-skip-tls-verify: true"));
    source.until("everything to be read, whoever the server is", SOON, |s| s.synced);
}

#[test]
fn a_token_that_is_replaced_in_its_file_is_used_from_then_on() {
    let cluster = Cluster::bare();
    let text = fs::read_to_string(cluster.kubeconfig()).unwrap();
    let token = text.rsplit_once("token: ").unwrap().1.split('}').next().unwrap().to_owned();
    let file = cluster.kubeconfig().with_file_name("token");
    fs::write(&file, "of-yesterday\n").unwrap();
    let mut source = Source::by(edited(&cluster, &format!("token: {token}"), "tokenFile: token"));
    source.until("word of the old token", SOON, |s| {
        s.findings.iter().any(|f| f.code == "refused" && f.text.contains("401: Unauthorized"))
    });
    fs::write(&file, format!("{token}\n")).unwrap();
    source.until("everything to be read", SOON, |s| s.synced && s.findings.is_empty());
}
