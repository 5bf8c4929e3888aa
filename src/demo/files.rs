//! The example mesh, which the binary carries, as a folder that can be edited.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

const FILES: [(&str, &str); 4] = [
    ("client.yaml", include_str!("../../examples/client.yaml")),
    ("greeter.yaml", include_str!("../../examples/greeter.yaml")),
    (TRAFFIC, include_str!("../../examples/traffic.yaml")),
    ("databases.yaml", include_str!("../../examples/databases.yaml")),
];
/// The file with the weights.
pub(super) const TRAFFIC: &str = "traffic.yaml";
/// How every address of a workload in the examples begins.
const NETWORK: &str = "10.77.0.";

/// A folder with the examples in it.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    network: &'static str,
}

/// A Pod of the examples: who it is and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) address: std::net::Ipv4Addr,
    /// The file it is described in.
    pub(super) file: PathBuf,
}

impl Folder {
    /// Writes the examples into `path`. Their addresses, all in 10.77.0.0/24, are moved to those that begin with
    /// `network`.
    pub(super) fn write(path: &Path, network: &'static str) -> io::Result<Folder> {
        std::fs::create_dir_all(path)?;
        let folder = Folder { path: path.to_owned(), network };
        for (name, text) in FILES {
            folder.put(name, text)?;
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces one file in one step, so that nobody reads half of it.
    fn put(&self, name: &str, text: &str) -> io::Result<()> {
        let scratch = self.path.join(format!(".{name}.new"));
        std::fs::write(&scratch, text.replace(NETWORK, self.network))?;
        std::fs::rename(scratch, self.path.join(name))
    }

    /// Splits the greeter's calls anew, as somebody would with an editor.
    pub(super) fn set_weights(&self, v1: u32, v2: u32) -> io::Result<()> {
        let text = include_str!("../../examples/traffic.yaml");
        self.put(
            TRAFFIC,
            &text.replace("weight: 60", &format!("weight: {v1}")).replace("weight: 40", &format!("weight: {v2}")),
        )
    }

    /// The Pods in the folder.
    pub(super) fn pods(&self) -> io::Result<Vec<Pod>> {
        let mut pods = Vec::new();
        for (name, _) in FILES {
            let file = self.path.join(name);
            let documents: Vec<Value> =
                serde_saphyr::from_multiple(&std::fs::read_to_string(&file)?).map_err(io::Error::other)?;
            for pod in documents.iter().filter(|document| document["kind"] == "Pod") {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let address = text(&pod["status"]["podIP"]).parse().map_err(io::Error::other)?;
                pods.push(Pod { name: text(&pod["metadata"]["name"]), address, file: file.clone() });
            }
        }
        Ok(pods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_hold_a_client_and_three_greeters() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::write(directory.path(), NETWORK).unwrap();
        let pods = folder.pods().unwrap();
        let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
        assert_eq!(names, ["client", "greeter-v1-a", "greeter-v1-b", "greeter-v2"]);
        assert_eq!(pods[1].address.to_string(), "10.77.0.11");
    }

    #[test]
    fn weights_are_edited_and_the_network_moved() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::write(directory.path(), "127.77.0.").unwrap();
        folder.set_weights(0, 100).unwrap();
        let text = std::fs::read_to_string(folder.path().join(TRAFFIC)).unwrap();
        assert!(text.contains("weight: 0\n") && text.contains("weight: 100\n"), "{text}");
        assert_eq!(folder.pods().unwrap()[0].address.to_string(), "127.77.0.2");
    }
}
