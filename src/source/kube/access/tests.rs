use std::fs;

use super::*;

const CONFIG: &str = "
apiVersion: v1
kind: Config
current-context: mine
contexts: [{name: mine, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: 'https://10.0.0.1:6443/'}}]
users: [{name: me, user: {token: secret}}]
";

fn find(text: &str) -> Result<Access, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, text).unwrap();
    Access::find(&Place { named: Some(path), ..Place::default() })
}

#[tokio::test]
async fn a_kubeconfig_says_where_and_who() {
    let access = find(CONFIG).map_err(|e| e.to_string()).unwrap();
    assert_eq!(access.server, "https://10.0.0.1:6443");
    let header = access.credentials.header().await.unwrap().unwrap();
    assert_eq!(header.to_str().unwrap(), "Bearer secret");
    assert!(header.is_sensitive());
}

#[tokio::test]
async fn without_a_user_there_is_nothing_to_show() {
    let users = CONFIG.lines().find(|line| line.starts_with("users")).unwrap();
    let access = find(&CONFIG.replace(users, "users: null")).map_err(|e| e.to_string()).unwrap();
    assert_eq!(access.credentials.header().await.unwrap(), None);
}

#[tokio::test]
async fn a_program_may_make_the_token() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, env: [{name: T, value: made}], args: ['-c', 'echo \"{\\\"status\\\": {\\\"token\\\": \\\"$T\\\"}}\"']}";
    let access = find(&CONFIG.replace("token: secret", exec)).map_err(|e| e.to_string()).unwrap();
    assert_eq!(access.credentials.header().await.unwrap().unwrap(), "Bearer made");
}

#[tokio::test]
async fn a_token_in_a_file_is_read_again_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "one\n").unwrap();
    let credentials = Credentials::file(path.clone());
    assert_eq!(credentials.header().await.unwrap().unwrap(), "Bearer one");
    fs::write(&path, "two\n").unwrap();
    assert_eq!(credentials.header().await.unwrap().unwrap(), "Bearer one");
    credentials.refused().await;
    assert_eq!(credentials.header().await.unwrap().unwrap(), "Bearer two");
}

#[test]
fn what_is_missing_or_not_supported_is_said() {
    let error = |text: &str| find(text).err().unwrap().to_string();
    assert!(error(&CONFIG.replace("cluster: here", "cluster: there")).contains("there is no cluster \"there\""));
    let insecure = CONFIG.replace("server:", "insecure-skip-tls-verify: true, server:");
    assert!(error(&insecure).contains("insecure-skip-tls-verify is not supported"));
    let nothing = Place { named: Some("/nowhere".into()), ..Place::default() };
    assert!(matches!(Access::find(&nothing), Err(Error::NoCluster)));
}
