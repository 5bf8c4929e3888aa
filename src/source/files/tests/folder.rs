use super::super::content::{Content, Sink, Trust, Verdict};
use super::*;

#[test]
fn objects_are_read_from_yaml_json_and_lists_in_all_subfolders_and_know_their_lines() {
    let mut folder = Folder::new(&[
        ("a.yaml", &format!("# two\n{}---\n\n{}", service("a", 1), service("b", 1))),
        (
            "sub/c.json",
            r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "c"}, "spec": {"ports": [{"port": 80}]}}"#,
        ),
        (
            "sub/list.yml",
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: d}}\n- {apiVersion: v1, kind: NodeList, items: [{metadata: {name: e}}]}\n",
        ),
        ("notes.txt", "not read"),
    ]);
    folder.look();
    let objects = folder.catalog.objects();
    let at = |kind: Kind, name: &str| {
        let object = objects.values().find(|o| o.kind() == kind && o.meta.name == name).unwrap();
        let (file, line) = object.file.clone().unwrap();
        (file.replace(folder.dir.path().to_str().unwrap(), ""), line)
    };
    assert_eq!(at(Kind::Service, "a"), ("/a.yaml".to_owned(), 2));
    assert_eq!(at(Kind::Service, "b"), ("/a.yaml".to_owned(), 12));
    assert_eq!(at(Kind::Service, "c"), ("/sub/c.json".to_owned(), 1));
    assert_eq!(at(Kind::Namespace, "d"), ("/sub/list.yml".to_owned(), 1));
    assert_eq!(at(Kind::Node, "e"), ("/sub/list.yml".to_owned(), 1));
    assert_eq!(objects.len(), 5);
    assert_eq!(folder.findings(), [""; 0]);
}

#[test]
fn an_equal_rewrite_and_a_shift_of_lines_are_no_events() {
    let mut folder = Folder::new(&[("a.yaml", &documents(&[service("a", 1), service("b", 1)]))]);
    assert_eq!(folder.look(), ["+ a 1", "+ b 1"]);
    folder.write("a.yaml", &documents(&[service("a", 1), service("b", 1)]));
    assert_eq!(folder.look(), [""; 0]);
    folder.write("a.yaml", &format!("# moved\n\n{}", documents(&[service("a", 1), service("b", 1)])));
    assert_eq!(folder.look(), [""; 0]);
    let lines: Vec<u32> = folder.catalog.objects().values().map(|o| o.file.clone().unwrap().1).collect();
    assert_eq!(lines, [3, 12]);
}

#[test]
fn of_two_objects_of_one_name_the_first_is_in_force_and_the_other_takes_over() {
    let mut folder =
        Folder::new(&[("a.yaml", &documents(&[service("x", 1), service("x", 2)])), ("b.yaml", &service("x", 3))]);
    assert_eq!(folder.look(), ["+ x 1"]);
    let ignored = "the same object stands in /a.yaml:1 too; that one is in force, this one is ignored";
    assert_eq!(
        folder.findings(),
        [
            format!("duplicate-object /a.yaml:10 Service default/x: {ignored}"),
            format!("duplicate-object /b.yaml:1 Service default/x: {ignored}")
        ]
    );
    folder.write("a.yaml", &service("z", 1));
    assert_eq!(folder.look(), ["+ x 3", "+ z 1"]);
    assert_eq!(folder.findings(), [""; 0]);
}

#[test]
fn a_bad_document_among_good_ones_keeps_the_last_good_version_of_its_object() {
    let mut folder = Folder::new(&[("a.yaml", &documents(&[service("a", 1), service("b", 1), service("c", 1)]))]);
    folder.look();
    let bad = service("b", 2).replace("port: 80", "port: [no number]");
    folder.write("a.yaml", &documents(&[service("a", 2), bad, service("c", 2)]));
    assert_eq!(folder.look(), ["+ a 2", "+ c 2"]);
    assert_eq!(folder.catalog.objects().len(), 3);
    let findings = folder.catalog.findings();
    assert_eq!((findings.len(), findings[0].severity, &*findings[0].object.name), (1, Severity::Error, "b"));
    // And so it stays while other things happen to the file, until the document is mended or goes.
    let bad = service("b", 2).replace("port: 80", "port: [still not]");
    folder.write("a.yaml", &documents(&[service("a", 3), bad]));
    folder.write("d.yaml", &service("c", 2));
    assert_eq!(folder.look(), ["+ a 3"]);
    folder.write("a.yaml", &documents(&[service("a", 3), service("b", 3)]));
    assert_eq!(folder.look(), ["+ b 3"]);
    assert_eq!(folder.findings(), [""; 0]);
}

#[test]
fn an_object_that_moves_to_another_file_with_a_mistake_stays_as_it_was() {
    let mut folder = Folder::new(&[("a.yaml", &service("a", 1))]);
    folder.look();
    fs::remove_file(folder.path("a.yaml")).unwrap();
    folder.write("b.yaml", &service("a", 2).replace("port: 80", "port: [no number]"));
    assert_eq!(folder.look(), [""; 0]);
    assert_eq!(folder.after(QUIET), [""; 0]);
    assert_eq!(folder.catalog.objects().len(), 1);
}

#[test]
fn what_a_document_that_cannot_be_read_may_have_been_stays() {
    let mut folder = Folder::new(&[("a.yaml", &documents(&[service("a", 1), service("b", 1)]))]);
    folder.look();
    folder.write("a.yaml", &documents(&[service("a", 2), "metadata: {name: b\n".to_owned()]));
    assert_eq!(folder.look(), ["+ a 2"]);
    let why = "until that is mended, what was last read from this file stays in force";
    let findings = folder.findings();
    assert!(
        findings[0].starts_with("syntax /a.yaml:10: the document cannot be read: ") && findings[0].ends_with(why),
        "{findings:?}"
    );
    folder.write("a.yaml", &service("a", 2));
    folder.look();
    assert_eq!(folder.after(QUIET), ["- b"]);
    assert_eq!(folder.findings(), [""; 0]);
}

#[test]
fn a_file_that_is_no_text_or_may_not_be_read_keeps_its_objects() {
    let mut folder = Folder::new(&[("a.yaml", &service("a", 1))]);
    folder.look();
    fs::write(folder.path("a.yaml"), b"kind: \xff\n").unwrap();
    assert_eq!(folder.look(), [""; 0]);
    assert_eq!(folder.findings(), ["unreadable-file /a.yaml:1: invalid utf-8 sequence of 1 bytes from index 6"]);
    folder.write("a.yaml", &service("a", 2));
    assert_eq!(folder.look(), ["+ a 2"]);
    assert_eq!(folder.findings(), [""; 0]);
}

/// Notes which files are read.
struct Read {
    catalog: Catalog,
    paths: Vec<PathBuf>,
}

impl Sink for Read {
    fn offer(&mut self, path: &Path, content: Content, trust: Trust) -> Verdict {
        self.paths.push(path.to_owned());
        self.catalog.offer(path, content, trust)
    }
}

#[test]
fn a_change_among_ten_thousand_files_reads_one() {
    let mut folder = Folder::new(&[]);
    let text = service("x", 1);
    for i in 0..10_000 {
        fs::write(folder.path(&format!("{i}.yaml")), text.replace("name: x", &format!("name: s{i}"))).unwrap();
    }
    assert_eq!(folder.look().len(), 10_000);
    folder.replace("77.yaml", &service("s77", 2));
    let real = fs::canonicalize(folder.path("77.yaml")).unwrap();
    assert!(folder.reader.hear(&real, Noise::Done, folder.now));
    let mut read = Read { catalog: folder.catalog, paths: Vec::new() };
    folder.reader.work(&mut read, folder.now);
    assert_eq!(read.paths, [folder.dir.path().join("77.yaml")]);
    assert_eq!(read.catalog.take().iter().map(told).collect::<Vec<_>>(), ["+ s77 2"]);
}

#[test]
fn a_change_in_a_file_of_ten_thousand_documents_is_one_event() {
    let text = |version| {
        documents(
            &(0..10_000).map(|i| service(&format!("s{i}"), if i == 77 { version } else { 1 })).collect::<Vec<_>>(),
        )
    };
    let mut folder = Folder::new(&[("a.yaml", &text(1))]);
    assert_eq!(folder.look().len(), 10_000);
    folder.write("a.yaml", &text(2));
    assert_eq!(folder.look(), ["+ s77 2"]);
}

#[test]
fn one_read_of_everything_says_what_is_missing() {
    let folder = Folder::new(&[("a.yaml", &service("a", 1)), ("mesh", "trustDomain: example.org\n")]);
    let options =
        Options { folder: Some(folder.dir.path().to_owned()), mesh: Some(folder.path("mesh")), networks: None };
    let scan = read(options.clone()).unwrap();
    assert_eq!((scan.objects.len(), &*scan.mesh.mesh.trust_domain, scan.findings.len()), (1, "example.org", 0));
    let error = read(Options { networks: Some(folder.path("networks")), ..options }).unwrap_err();
    assert!(error.to_string().ends_with("/networks: No such file or directory (os error 2)"), "{error}");
}
