//! A kubeconfig: clusters, users, and which of each is meant.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::credentials::Program;
use super::{Access, Credentials, Error, read, tls};

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Config {
    current_context: String,
    // kubectl writes null where there is none.
    contexts: Option<Vec<Named>>,
    clusters: Option<Vec<Named>>,
    users: Option<Vec<Named>>,
}

/// An entry of one of the lists; only one of the three parts is there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
    context: Option<Context>,
    cluster: Option<Cluster>,
    user: Option<User>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Cluster {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct User {
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    exec: Option<Exec>,
    auth_provider: Option<serde_json::Value>,
    username: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Exec {
    api_version: String,
    command: String,
    args: Option<Vec<String>>,
    env: Option<Vec<Variable>>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: String,
}

/// The way that the current context of a kubeconfig says.
pub(super) fn read_file(path: &Path) -> Result<Access, Error> {
    let wrong = |why: String| Error::Kubeconfig { path: path.to_owned(), why };
    let text = String::from_utf8(read(path)?).map_err(|e| wrong(e.to_string()))?;
    let config: Config = serde_saphyr::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let missing = |what: &str, name: &str| wrong(format!("there is no {what} {name:?}"));
    let named = |list: Option<Vec<Named>>, name: &str| list.into_iter().flatten().find(|n| n.name == name);
    let current = &config.current_context;
    let context = named(config.contexts, current).and_then(|n| n.context).ok_or_else(|| missing("context", current))?;
    let cluster = named(config.clusters, &context.cluster).and_then(|n| n.cluster);
    let cluster = cluster.ok_or_else(|| missing("cluster", &context.cluster))?;
    let user = named(config.users, &context.user).and_then(|n| n.user).unwrap_or_default();
    for (unsupported, what) in [
        (cluster.insecure_skip_tls_verify, "insecure-skip-tls-verify"),
        (cluster.tls_server_name.is_some(), "tls-server-name"),
        (cluster.proxy_url.is_some(), "proxy-url"),
        (user.auth_provider.is_some(), "auth-provider"),
        (user.username.is_some(), "username"),
    ] {
        if unsupported {
            return Err(wrong(format!("{what} is not supported")));
        }
    }
    let server = cluster.server.trim_end_matches('/').parse();
    let server = server.map_err(|_| wrong(format!("{:?} is no address of a server", cluster.server)))?;
    let beside = path.parent().unwrap_or_else(|| Path::new("."));
    let pem = |data: &Option<String>, file: &Option<PathBuf>| match (data, file) {
        (Some(data), _) => STANDARD.decode(data.trim()).map(Some).map_err(|e| wrong(format!("not base64: {e}"))),
        (None, Some(file)) => read(&beside.join(file)).map(Some),
        (None, None) => Ok(None),
    };
    let roots = pem(&cluster.certificate_authority_data, &cluster.certificate_authority)?.unwrap_or_default();
    let certificate = pem(&user.client_certificate_data, &user.client_certificate)?;
    let key = pem(&user.client_key_data, &user.client_key)?;
    let identity = certificate.as_deref().zip(key.as_deref());
    Ok(Access { server, tls: tls(&roots, identity)?, credentials: credentials(user, beside, &wrong)? })
}

fn credentials(user: User, beside: &Path, wrong: &dyn Fn(String) -> Error) -> Result<Credentials, Error> {
    Ok(match (user.token_file, user.token, user.exec) {
        (Some(file), _, _) => Credentials::file(beside.join(file)),
        (None, Some(token), _) => {
            Credentials::fixed(&token).ok_or_else(|| wrong("the token has bytes that none has".to_owned()))?
        }
        (None, None, Some(exec)) => Credentials::program(Program {
            // A path is meant from where the kubeconfig is; a bare name is looked for as the shell does.
            command: match exec.command.contains('/') {
                true => beside.join(&exec.command).to_string_lossy().into_owned(),
                false => exec.command,
            },
            arguments: exec.args.unwrap_or_default(),
            environment: exec.env.unwrap_or_default().into_iter().map(|v| (v.name, v.value)).collect(),
            api_version: exec.api_version,
        }),
        (None, None, None) => Credentials::none(),
    })
}
