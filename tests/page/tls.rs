//! A Prometheus behind TLS.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::scene::{PAGE, PATIENCE, Scene};
use crate::support::process::{Process, eventually, run};
use crate::support::require;

/// A CA, and a certificate of it for `localhost`.
fn certify(folder: &Path) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let openssl = || {
        let mut command = Command::new(require::program("openssl", "openssl"));
        command.current_dir(folder).args(["req", "-x509"]).args(key);
        command
    };
    run(openssl().args(["-subj", "/CN=test-ca", "-keyout", "ca.key", "-out", "ca.crt"]));
    run(openssl()
        .args(["-CA", "ca.crt", "-CAkey", "ca.key", "-subj", "/CN=prometheus", "-keyout", "tls.key", "-out", "tls.crt"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost"]));
}

/// What the page is told of who talked to whom: the error, or null.
fn error(scene: &Scene) -> Value {
    let (_, said) = scene.get(PAGE, "/ui/api/measured");
    serde_json::from_str::<Value>(&said).unwrap()["error"].clone()
}

#[test]
fn a_prometheus_behind_tls_is_asked_if_the_ca_that_was_given_vouches_for_it() {
    let scene = Scene::empty();
    let file = |name: &str| scene.directory().join(name).display().to_string();
    certify(scene.directory());
    std::fs::write(file("web.yaml"), "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n").unwrap();
    std::fs::write(file("prometheus.yaml"), "global: {}\n").unwrap();
    let mut command = scene.network().command(require::program("prometheus", "prometheus"));
    command.arg(format!("--config.file={}", file("prometheus.yaml"))).arg("--web.listen-address=127.0.0.1:9090");
    command.arg(format!("--web.config.file={}", file("web.yaml")));
    command.arg(format!("--storage.tsdb.path={}", file("tsdb")));
    let _prometheus = Process::start("prometheus", command, scene.directory().join("prometheus.log"));

    let address = "--prometheusAddr=https://localhost:9090";
    let later = file("later.crt");
    let mizzen = scene.serve_folder(&[address, "--prometheusCA", &later]);
    let said = error(&scene);
    assert!(said.as_str().is_some_and(|e| e.contains("later.crt") && e.contains("No such file")), "{said}");
    // A Secret may be mounted after the start.
    std::fs::copy(file("ca.crt"), &later).unwrap();
    eventually(PATIENCE, "Prometheus to be asked", || error(&scene).is_null().then_some(()));
    drop(mizzen);

    let strict = scene.serve_folder(&[address]);
    let said = error(&scene);
    let wrong = said.as_str().is_some_and(|e| e.contains("UnknownIssuer") || e.contains("this system trusts nobody"));
    assert!(wrong, "whoever the system trusts has not vouched for it: {said}");
    drop(strict);

    let _other_name = scene.serve_folder(&["--prometheusAddr=https://127.0.0.1:9090", "--prometheusCA", &later]);
    let said = error(&scene);
    assert!(said.as_str().is_some_and(|e| e.contains("not valid for name")), "{said}");
}
