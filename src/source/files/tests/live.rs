//! With the thread, the kernel's events and the real clock.

use std::io::Write;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use super::*;

/// A running source, and what it has said so far.
struct Live {
    dir: tempfile::TempDir,
    deliveries: Receiver<Delivery>,
    objects: BTreeMap<String, String>,
    /// Whether an object was ever deleted.
    deleted: bool,
    synced: bool,
    trust_domain: String,
    codes: Vec<&'static str>,
}

impl Live {
    /// Watches the folder `in` and the mesh config `mesh` of a new directory, in which `files` are.
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Folder::new(files);
        let options = Options {
            folder: Some(folder.path("in")),
            mesh: Some(folder.path("mesh")),
            networks: Some(folder.path("networks")),
        };
        Self {
            deliveries: spawn(options).unwrap(),
            dir: folder.dir,
            objects: BTreeMap::new(),
            deleted: false,
            synced: false,
            trust_domain: String::new(),
            codes: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Takes deliveries until something holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            let next = tokio::time::timeout(Duration::from_secs(20), self.deliveries.recv()).await;
            let delivery = next.unwrap_or_else(|_| panic!("{what}: not so, but {:?} {:?}", self.objects, self.codes));
            self.take(delivery.unwrap());
        }
    }

    fn take(&mut self, delivery: Delivery) {
        for event in delivery.events {
            match event {
                Event::Upsert(object) => drop(self.objects.insert(object.meta.name.to_string(), says(&object))),
                Event::Delete(key) => {
                    self.objects.remove(key.name.as_str());
                    self.deleted = true;
                }
                Event::Synced => self.synced = true,
            }
        }
        if let Some(mesh) = delivery.mesh {
            self.trust_domain = mesh.mesh.trust_domain.to_string();
        }
        self.codes = delivery.findings.iter().map(|f| f.code).collect();
    }

    fn has(&self, name: &str, version: &str) -> bool {
        self.objects.get(name).is_some_and(|v| v == version)
    }
}

#[tokio::test]
async fn every_way_of_saving_a_file_arrives() {
    let mut live = Live::new(&[("in/a.yaml", &service("a", 1))]);
    live.until("the first version", |l| l.has("a", "1") && l.synced && l.trust_domain == "cluster.local").await;
    live.write("in/a.yaml", &service("a", 2));
    live.until("written in place", |l| l.has("a", "2")).await;
    live.write("in/a.yaml.tmp", &service("a", 3));
    fs::rename(live.path("in/a.yaml.tmp"), live.path("in/a.yaml")).unwrap();
    live.until("renamed into place", |l| l.has("a", "3")).await;
    fs::rename(live.path("in/a.yaml"), live.path("in/a.yaml~")).unwrap();
    live.write("in/a.yaml", &service("a", 4));
    fs::remove_file(live.path("in/a.yaml~")).unwrap();
    live.until("written anew beside a backup", |l| l.has("a", "4")).await;
    fs::create_dir(live.path("in/sub")).unwrap();
    live.write("in/sub/b.yaml", &service("b", 1));
    live.until("in a new subfolder", |l| l.has("b", "1")).await;
    live.write("in/sub/b.yaml", &service("b", 2));
    live.until("edited in a new subfolder", |l| l.has("b", "2")).await;
    assert!(!live.deleted);
    fs::rename(live.path("in/sub"), live.path("away")).unwrap();
    live.until("moved away", |l| !l.objects.contains_key("b")).await;
    fs::rename(live.path("away"), live.path("in/sub")).unwrap();
    live.until("moved back", |l| l.has("b", "2")).await;
    live.write("in/sub/b.yaml", &service("b", 3));
    live.until("edited once back", |l| l.has("b", "3")).await;
}

#[tokio::test]
async fn an_edit_arrives_within_milliseconds() {
    let mut live = Live::new(&[("in/a.yaml", &service("a", 1))]);
    live.until("the first version", |l| l.synced).await;
    // The best of several: other tests run beside this one.
    let mut best = Duration::MAX;
    for version in 2..22 {
        live.write("in/a.yaml", &service("a", version));
        let written = Instant::now();
        live.until("the edit", |l| l.has("a", &version.to_string())).await;
        best = best.min(written.elapsed());
    }
    assert!(best < Duration::from_millis(10), "{best:?}");
}

#[tokio::test]
async fn a_file_that_is_still_open_is_not_read() {
    let mut live = Live::new(&[("in/a.yaml", &documents(&[service("a", 1), service("b", 1)]))]);
    live.until("the first version", |l| l.has("b", "1")).await;
    let mut file = fs::File::create(live.path("in/a.yaml")).unwrap();
    file.write_all(service("a", 2).as_bytes()).unwrap();
    live.write("in/c.yaml", &service("c", 1));
    live.until("another file", |l| l.has("c", "1")).await;
    assert!(live.has("a", "1") && live.has("b", "1"));
    file.write_all(format!("---\n{}", service("b", 2)).as_bytes()).unwrap();
    drop(file);
    live.until("the rest", |l| l.has("a", "2")).await;
    assert!(live.has("b", "2") && !live.deleted);
}

#[tokio::test]
async fn a_config_map_is_swapped_and_a_folder_behind_a_link_too() {
    let mut live = Live::new(&[("one/..1/a.yaml", &service("a", 1)), ("two/a.yaml", &service("a", 3))]);
    symlink("..1", live.path("one/..data")).unwrap();
    symlink("..data/a.yaml", live.path("one/a.yaml")).unwrap();
    symlink("one", live.path("in")).unwrap();
    live.until("the mounted file", |l| l.has("a", "1")).await;
    fs::create_dir(live.path("one/..2")).unwrap();
    live.write("one/..2/a.yaml", &service("a", 2));
    symlink("..2", live.path("one/..data_tmp")).unwrap();
    fs::rename(live.path("one/..data_tmp"), live.path("one/..data")).unwrap();
    fs::remove_dir_all(live.path("one/..1")).unwrap();
    live.until("swapped", |l| l.has("a", "2")).await;
    symlink("two", live.path("link")).unwrap();
    fs::rename(live.path("link"), live.path("in")).unwrap();
    live.until("another folder", |l| l.has("a", "3")).await;
    live.write("two/a.yaml", &service("a", 4));
    live.until("edited in the other folder", |l| l.has("a", "4")).await;
    assert!(!live.deleted);
}

#[tokio::test]
async fn a_folder_may_come_late_vanish_and_come_back() {
    let mut live = Live::new(&[]);
    live.until("a word that it is missing", |l| l.codes == ["missing-folder"]).await;
    assert!(!live.synced);
    fs::create_dir(live.path("in")).unwrap();
    live.until("an empty source", |l| l.synced && l.codes == ["empty-folder"]).await;
    live.write("in/a.yaml", &service("a", 1));
    live.until("the first file", |l| l.has("a", "1") && l.codes.is_empty()).await;
    fs::remove_dir_all(live.path("in")).unwrap();
    live.until("a word that it is gone", |l| l.codes == ["missing-folder"]).await;
    fs::create_dir(live.path("in")).unwrap();
    live.write("in/a.yaml", &service("a", 2));
    live.until("the file that is back", |l| l.has("a", "2") && l.codes.is_empty()).await;
    assert!(!live.deleted);
    fs::remove_file(live.path("in/a.yaml")).unwrap();
    live.until("nothing", |l| l.objects.is_empty() && l.codes == ["empty-folder"]).await;
}

#[tokio::test]
async fn the_mesh_config_may_come_late_and_is_read_again() {
    let mut live = Live::new(&[("in/a.yaml", &service("a", 1))]);
    live.until("the defaults", |l| l.trust_domain == "cluster.local").await;
    live.write("mesh", "trustDomain: a\n");
    live.until("a first mesh config", |l| l.trust_domain == "a").await;
    live.write("mesh", "trustDomain: [\n");
    live.until("a word that it is bad", |l| l.codes == ["syntax"]).await;
    assert_eq!(live.trust_domain, "a");
    live.write("mesh.new", "trustDomain: b\n");
    fs::rename(live.path("mesh.new"), live.path("mesh")).unwrap();
    live.until("a good one", |l| l.trust_domain == "b" && l.codes.is_empty()).await;
}

#[tokio::test]
async fn files_saved_together_come_together() {
    let mut live = Live::new(&[("in/.keep", "")]);
    live.until("an empty folder", |l| l.synced).await;
    fs::create_dir(live.path("next")).unwrap();
    for i in 0..100 {
        live.write(&format!("next/{i}.yaml"), &service(&format!("s{i}"), 1));
    }
    fs::rename(live.path("next"), live.path("in/next")).unwrap();
    live.until("any of them", |l| !l.objects.is_empty()).await;
    assert_eq!(live.objects.len(), 100);
}
