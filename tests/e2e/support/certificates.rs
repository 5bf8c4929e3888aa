//! Certificates of authorities of the test's own, made by openssl.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;
use super::require;

/// A certificate and its key, in PEM files that every user may read.
pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// An authority that trusts itself.
    pub(crate) fn authority(directory: &Path, name: &str) -> Certificate {
        Self::make(directory, name, &[])
    }

    /// A certificate that this authority has signed, for some DNS names; its subject is `CN=name`.
    pub(crate) fn sign(&self, directory: &Path, name: &str, names: &[&str]) -> Certificate {
        let names = names.iter().map(|name| format!("DNS:{name}")).collect::<Vec<_>>().join(",");
        let authority = [self.certificate.to_str(), self.key.to_str()].map(|path| path.expect("a path of ours"));
        let names = format!("subjectAltName={names}");
        let mut arguments = vec!["-CA", authority[0], "-CAkey", authority[1]];
        arguments.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
        if names.len() > "subjectAltName=".len() {
            arguments.extend(["-addext", &names]);
        }
        Self::make(directory, name, &arguments)
    }

    /// A workload's certificate that this authority has signed, with a subject such as `/CN=web` (`/` for none), for a
    /// service account of the mesh, e.g. `ns/shop/sa/web`.
    pub(crate) fn identify(&self, directory: &Path, name: &str, subject: &str, account: &str) -> Certificate {
        let authority = [self.certificate.to_str(), self.key.to_str()].map(|path| path.expect("a path of ours"));
        let identity = format!("subjectAltName=critical,URI:spiffe://cluster.local/{account}");
        let mut arguments = vec!["-CA", authority[0], "-CAkey", authority[1], "-addext", &identity];
        arguments.extend(["-addext", "basicConstraints=critical,CA:FALSE", "-subj", subject]);
        Self::make(directory, name, &arguments)
    }

    fn make(directory: &Path, name: &str, arguments: &[&str]) -> Certificate {
        let made = Certificate {
            certificate: directory.join(format!("{name}.pem")),
            key: directory.join(format!("{name}.key.pem")),
        };
        let mut command = Command::new(require::program("openssl", "openssl"));
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-days", "2"]).args(arguments);
        if !arguments.contains(&"-subj") {
            command.args(["-subj", &format!("/CN={name}")]);
        }
        run(command.arg("-out").arg(&made.certificate).arg("-keyout").arg(&made.key));
        // The sidecar reads it as another user.
        std::fs::set_permissions(&made.key, PermissionsExt::from_mode(0o644)).expect("it is ours");
        made
    }
}
