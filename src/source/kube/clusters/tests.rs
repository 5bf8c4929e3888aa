use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::api;
use crate::source::kube::{Rate, Remotes};

const KUBECONFIG: &str = "
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: u, user: {token: secret}}]
";

struct Nobody;

impl Watcher for Nobody {
    fn listed(&self, _: api::Kind) {}
    fn failed(&self, _: api::Kind) {}
    fn held(&self, _: api::Kind, _: usize) {}
    fn secret(&self, _: &'static str) {}
    fn cluster(&self, _: &str, _: Status, _: usize) {}
    fn late(&self, _: &str) {}
}

fn clusters(insecure: &[&str]) -> Clusters {
    with(insecure, None)
}

fn with(insecure: &[&str], folder: Option<PathBuf>) -> Clusters {
    let options = Options {
        namespace: "istio-system".into(),
        revision: String::new(),
        shared_mesh: String::new(),
        doubt: Duration::from_secs(60),
        cluster: "here".into(),
        rate: Rate { qps: 100.0, burst: 100 },
        remotes: Remotes {
            timeout: Duration::from_millis(300),
            insecure: insecure.iter().map(|option| (*option).to_owned()).collect(),
            folder,
            workload_entries: true,
            credentials: true,
        },
        roster: Roster::default(),
    };
    Clusters::new(&options, Arc::new(Nobody))
}

fn secret(name: &str, clusters: &[(&str, &str)]) -> Event {
    let data: BTreeMap<_, _> = clusters.iter().copied().collect();
    let document = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "istio-system"}, "stringData": data});
    Event::Upsert(Arc::new(api::decode(document, None).object.unwrap()))
}

/// What is wrong, once nothing is waited for.
async fn settled(clusters: &mut Clusters) -> Vec<String> {
    while clusters.waits() {
        clusters.changed().await;
    }
    let findings = clusters.take_findings().unwrap_or_default();
    findings.iter().map(|f| format!("{} {} {}: {}", f.object.name, f.field, f.code, f.text)).collect()
}

#[tokio::test]
async fn a_kubeconfig_that_touches_the_control_planes_machine_is_refused_unless_that_is_allowed() {
    for (user, option) in [
        ("exec: {command: 'true', apiVersion: client.authentication.k8s.io/v1}", "exec"),
        ("tokenFile: /etc/passwd", "tokenFile"),
        ("client-key: /a, client-certificate: /b", "clientKey"),
        ("auth-provider: {name: gcp, config: {}}", "gcp"),
    ] {
        let kubeconfig = KUBECONFIG.replace("token: secret", user);
        let mut all = clusters(&[]);
        all.take_secrets(vec![secret("east", &[("east", &kubeconfig), ("west", KUBECONFIG)])]);
        let found = settled(&mut all).await;
        let refused =
            format!("east data.east bad-kubeconfig: the kubeconfig asks for {option}, which runs a program or");
        assert!(found[0].starts_with(&refused), "{found:?}");
        let status = |id: &str| all.roster.all().iter().find(|r| r.id == id).map(|r| r.status);
        assert_eq!((status("east"), status("west")), (Some(Status::Closed), Some(Status::Timeout)));
    }
    let mut all = clusters(&["exec"]);
    let kubeconfig = KUBECONFIG.replace("token: secret", "exec: {command: 'true', apiVersion: v1}");
    all.take_secrets(vec![secret("east", &[("east", &kubeconfig)])]);
    assert!(!settled(&mut all).await.iter().any(|f| f.contains("bad-kubeconfig")));
}

#[tokio::test]
async fn a_text_that_is_no_kubeconfig_is_not_quoted() {
    let mut all = clusters(&[]);
    all.take_secrets(vec![secret("east", &[("east", "token: [very-secret"), ("west", "")])]);
    let found = settled(&mut all).await;
    assert_eq!(found[0], "east data.east bad-kubeconfig: the kubeconfig cannot be read");
    assert!(found[1].starts_with("east data.west bad-kubeconfig: the kubeconfig: "), "{found:?}");
}

#[tokio::test]
async fn a_cluster_belongs_to_the_secret_that_named_it_first() {
    let mut all = clusters(&[]);
    all.take_secrets(vec![secret("b", &[("east", KUBECONFIG), ("here", KUBECONFIG)])]);
    all.take_secrets(vec![secret("a", &[("east", KUBECONFIG)])]);
    let ids: Vec<_> = all.roster.all().iter().map(|r| format!("{} {}", r.id, r.secret)).collect();
    assert_eq!(ids, ["east istio-system/b"]);
    let found = settled(&mut all).await;
    let duplicate = "a data.east duplicate-cluster: east leads to a cluster to which Secret istio-system/b leads already; it is ignored";
    assert_eq!(found[0], duplicate);
    assert!(
        found[1].starts_with("b data.here duplicate-cluster: here is the name of the control plane's own"),
        "{found:?}"
    );
    all.take_secrets(vec![secret("b", &[])]);
    let ids: Vec<_> = all.roster.all().iter().map(|r| format!("{} {}", r.id, r.secret)).collect();
    assert_eq!(ids, ["east istio-system/a"]);
}

#[tokio::test]
async fn a_cluster_that_cannot_be_reached_is_waited_for_a_while_only() {
    let mut all = clusters(&[]);
    all.take_secrets(vec![secret("east", &[("east", KUBECONFIG)])]);
    assert!(all.waits());
    let began = Instant::now();
    let found = settled(&mut all).await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(found.iter().any(|f| f.starts_with("east data.east late-cluster: cluster east was not read")), "{found:?}");
    assert!(found.iter().any(|f| f.contains("api-server-away: cluster east: the API server")), "{found:?}");
}

/// Waits until something is so.
async fn until_so(clusters: &mut Clusters, what: &str, so: impl Fn(&Clusters) -> bool) {
    let wait = async {
        while !so(clusters) {
            clusters.changed().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "waited in vain for {what}");
}

fn listed(clusters: &Clusters) -> Vec<String> {
    clusters.roster.all().iter().map(|r| format!("{} {}", r.id, r.secret.rsplit('/').next().unwrap())).collect()
}

#[tokio::test]
async fn kubeconfigs_in_a_folder_lead_to_clusters_and_may_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let of = |cluster: &str| {
        KUBECONFIG
            .replace("cluster: c", &format!("cluster: {cluster}"))
            .replace("name: c, cluster", &format!("name: {cluster}, cluster"))
    };
    // As kubelet mounts a Secret.
    std::fs::create_dir(folder.path().join("..1")).unwrap();
    write("..1/east.yaml", &of("east"));
    std::os::unix::fs::symlink("..1", folder.path().join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/east.yaml", folder.path().join("east.yaml")).unwrap();
    write("west.yml", &of("west"));
    write("notes.txt", &of("north"));
    let mut all = with(&[], Some(folder.path().to_owned()));
    assert!(all.waits(), "nobody knows yet whether there are any");
    let found = settled(&mut all).await;
    assert_eq!(listed(&all), ["east east.yaml", "west west.yml"]);
    assert!(found.iter().any(|f| f.contains("late-cluster: cluster east was not read")), "{found:?}");
    write("zz.yaml", &of("west"));
    until_so(&mut all, "word of the second way to one cluster", |all| {
        all.faults.iter().any(|f| f.object.name.ends_with("/zz.yaml") && f.text.contains("/west.yml leads already"))
    })
    .await;
    std::fs::remove_file(folder.path().join("west.yml")).unwrap();
    std::fs::remove_file(folder.path().join("east.yaml")).unwrap();
    until_so(&mut all, "what is left", |all| listed(all) == ["west zz.yaml"]).await;
}
