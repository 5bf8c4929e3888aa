//! The thread that watches, reads and delivers.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::catalog::Catalog;
use super::content::Sink;
use super::reader::Reader;
use super::settings::Settings;
use super::watch::Watch;
use super::{Error, Options, Scan, finding};
use crate::api::mesh::{MeshConfig, MeshNetworks};
use crate::base::{Finding, Severity};
use crate::source::{Delivery, Event, MeshUpdate};

/// Files that are saved together come in one delivery if no more than this lies between two of them,
const SETTLE: Duration = Duration::from_millis(4);
/// and the first waits no longer than this for the last.
const GATHER: Duration = Duration::from_millis(25);
/// How often everything is looked at although nothing was heard: file systems of other machines say nothing.
const RESCAN: Duration = Duration::from_secs(2);
/// Looking again may take this part of the time at most.
const RESCAN_SHARE: u32 = 200;

/// Everything that is read, and what was said of it.
pub(super) struct Task {
    folder: Option<(Reader, Catalog)>,
    mesh: (Option<Reader>, Settings<MeshConfig>),
    networks: (Option<Reader>, Settings<MeshNetworks>),
    synced: bool,
    findings: Arc<[Finding]>,
    /// When `findings` were last brought up to date.
    told: Instant,
}

impl Task {
    pub(super) fn new(options: Options) -> Self {
        Self {
            folder: options.folder.map(|root| (Reader::new(root), Catalog::default())),
            mesh: (options.mesh.map(Reader::new), Settings::new(MeshConfig::parse)),
            networks: (options.networks.map(Reader::new), Settings::new(MeshNetworks::parse)),
            synced: false,
            findings: Arc::default(),
            told: Instant::now(),
        }
    }

    /// The same with any number of folders and files in the place of the folder.
    pub(super) fn scan_all(self, paths: &[PathBuf]) -> Result<Scan, Error> {
        let now = Instant::now();
        let mut catalog = Catalog::default();
        let mut findings = Vec::new();
        for path in paths {
            let mut reader = Reader::new(path.clone());
            reader.work(&mut catalog, now);
            if let Some(why) = reader.missing(now) {
                return Err(Error::Missing { path: path.clone(), why: why.to_owned() });
            }
            findings.extend(about_folder(&reader, &catalog, now));
        }
        let mut scan = self.scan()?;
        scan.objects = catalog.objects();
        scan.findings.extend(findings);
        scan.findings.extend(catalog.findings());
        scan.findings.sort();
        Ok(scan)
    }

    /// Reads everything once, without watching.
    pub(super) fn scan(mut self) -> Result<Scan, Error> {
        let now = Instant::now();
        for (reader, sink) in self.roots() {
            reader.work(sink, now);
            if let Some(why) = reader.missing(now) {
                return Err(Error::Missing { path: reader.root().to_owned(), why: why.to_owned() });
            }
        }
        let objects = self.folder.as_ref().map(|(_, catalog)| catalog.objects()).unwrap_or_default();
        Ok(Scan { objects, mesh: self.mesh_update(), findings: self.findings_at(now) })
    }

    /// Delivers every change until nobody takes deliveries any more.
    pub(super) fn run(mut self, sender: &Sender<Delivery>) {
        let mut watch = Watch::new();
        let mut rescan = Instant::now();
        while !sender.is_closed() {
            let started = Instant::now();
            if watch.lost() || rescan <= started {
                self.roots().into_iter().for_each(|(reader, _)| reader.walk_soon());
            }
            self.work(&mut watch);
            if rescan <= started {
                rescan = Instant::now() + RESCAN.max(started.elapsed() * RESCAN_SHARE);
            }
            if let Some(delivery) = self.delivery()
                && sender.blocking_send(delivery).is_err()
            {
                return;
            }
            self.listen(&mut watch, rescan);
        }
    }

    /// Reads what there is to read. What happens in a directory before it is watched is not heard, so that new
    /// ones are looked at once more.
    fn work(&mut self, watch: &mut Watch) {
        loop {
            let now = Instant::now();
            let walked =
                self.roots().into_iter().fold(false, |walked, (reader, sink)| reader.work(sink, now) || walked);
            if !walked {
                return;
            }
            let roots = self.roots();
            let directories = roots.iter().flat_map(|(reader, _)| &reader.tree().directories);
            let directories: BTreeMap<_, _> = directories.map(|(path, identity)| (path.clone(), *identity)).collect();
            if !watch.set(&directories) {
                return;
            }
            roots.into_iter().for_each(|(reader, _)| reader.walk_soon());
        }
    }

    /// Hears what happens until there is something to do, or until then.
    fn listen(&mut self, watch: &mut Watch, until: Instant) {
        let told = self.told;
        let deadline = self.roots().iter().filter_map(|(reader, _)| reader.deadline(told)).min();
        let mut until = deadline.map_or(until, |deadline| deadline.min(until));
        let mut latest = None;
        while let Some((path, noise)) = watch.next(until) {
            let now = Instant::now();
            let matters = self.roots().into_iter().fold(false, |m, (reader, _)| reader.hear(&path, noise, now) || m);
            if matters {
                until = (now + SETTLE).min(*latest.get_or_insert(now + GATHER));
            }
        }
    }

    /// What there is to tell.
    fn delivery(&mut self) -> Option<Delivery> {
        let mut events = self.folder.as_mut().map(|(_, catalog)| catalog.take()).unwrap_or_default();
        // An absent folder says nothing: only what was there once can be empty.
        if !self.synced && self.folder.as_ref().is_none_or(|(reader, _)| reader.found()) {
            events.push(Event::Synced);
            self.synced = true;
        }
        let changed = [self.mesh.1.take_changed(), self.networks.1.take_changed()];
        let mesh = changed.contains(&true).then(|| self.mesh_update());
        self.told = Instant::now();
        let findings = self.findings_at(self.told);
        if events.is_empty() && mesh.is_none() && *findings == *self.findings {
            return None;
        }
        self.findings = findings.into();
        Some(Delivery { events, mesh, findings: self.findings.clone() })
    }

    fn mesh_update(&self) -> MeshUpdate {
        let networks = self.networks.1.current();
        let written = Arc::clone(self.mesh.1.written());
        let mesh = self.mesh.1.current();
        if networks.networks.is_empty() {
            return MeshUpdate { mesh: Arc::clone(mesh), written };
        }
        let mesh = Arc::new(MeshConfig { networks: (**networks).clone(), ..(**mesh).clone() });
        MeshUpdate { mesh, written }
    }

    fn roots(&mut self) -> Vec<(&mut Reader, &mut dyn Sink)> {
        let folder = self.folder.as_mut().map(|(reader, sink)| (reader, sink as &mut dyn Sink));
        let mesh = self.mesh.0.as_mut().map(|reader| (reader, &mut self.mesh.1 as &mut dyn Sink));
        let networks = self.networks.0.as_mut().map(|reader| (reader, &mut self.networks.1 as &mut dyn Sink));
        folder.into_iter().chain(mesh).chain(networks).collect()
    }

    /// All that is wrong now, sorted.
    fn findings_at(&self, now: Instant) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some((reader, catalog)) = &self.folder {
            findings.extend(catalog.findings());
            findings.extend(about_folder(reader, catalog, now));
        }
        for (reader, of_file) in
            [(&self.mesh.0, self.mesh.1.findings()), (&self.networks.0, self.networks.1.findings())]
        {
            findings.extend_from_slice(of_file);
            findings.extend(reader.iter().filter_map(|reader| about_file(reader, now)));
        }
        findings.sort();
        findings
    }
}

fn about_folder(reader: &Reader, catalog: &Catalog, now: Instant) -> Vec<Finding> {
    let problem = |(path, error): (&PathBuf, &io::Error)| {
        finding(path, "unreadable-file", &format!("{error}; what was last read there stays in force"))
    };
    let mut findings: Vec<Finding> = reader.tree().problems.iter().map(problem).collect();
    if let Some(why) = reader.missing(now) {
        let instead = match reader.found() {
            true => "what was last read stays in force",
            false => "nothing is served until it is there",
        };
        findings.push(finding(
            reader.root(),
            "missing-folder",
            &format!("the folder cannot be read: {why}; {instead}"),
        ));
    } else if catalog.is_empty() && reader.found() {
        let text = "the folder holds no file that ends in .yaml, .yml or .json; nothing is configured";
        findings.push(Finding { severity: Severity::Info, ..finding(reader.root(), "empty-folder", text) });
    }
    findings
}

/// A file that has never been there stands for the defaults, as with istiod (`pilot/pkg/bootstrap/mesh.go`).
fn about_file(reader: &Reader, now: Instant) -> Option<Finding> {
    let why = reader.missing(now).filter(|_| reader.found())?;
    let text = format!("the file cannot be read: {why}; its last version stays in force");
    Some(Finding { severity: Severity::Warning, ..finding(reader.root(), "missing-file", &text) })
}
