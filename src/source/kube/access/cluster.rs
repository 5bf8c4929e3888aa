//! The way to the API server from inside a Pod.

use std::path::Path;

use super::{Access, Credentials, Error, read, tls};

/// Where Kubernetes puts the root and the token of a Pod's service account.
const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The way that the environment and the mounted files of a Pod say.
pub(super) fn read_from(folder: &Path, host: &str, port: &str) -> Result<Access, Error> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let server = format!("https://{host}:{port}");
    let server = server.parse().map_err(|_| Error::Tls(format!("{server} is no address")))?;
    let token = folder.join("token");
    read(&token)?;
    Ok(Access { server, tls: tls(&read(&folder.join("ca.crt"))?, None)?, credentials: Credentials::file(token) })
}

pub(super) fn of_pod(host: &str, port: &str) -> Result<Access, Error> {
    read_from(Path::new(FOLDER), host, port)
}
