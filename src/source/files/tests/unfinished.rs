use super::*;

#[test]
fn a_file_that_is_emptied_keeps_its_objects_until_it_has_been_left_alone() {
    let mut folder = Folder::new(&[("a.yaml", &service("a", 1)), ("b.yaml", &service("b", 1))]);
    folder.look();
    folder.write("a.yaml", "");
    assert_eq!(folder.look(), [""; 0]);
    folder.write("a.yaml", &service("a", 2));
    assert_eq!(folder.look(), ["+ a 2"]);
    folder.write("a.yaml", "\n");
    assert_eq!(folder.look(), [""; 0]);
    assert_eq!(folder.after(QUIET / 2), [""; 0]);
    assert_eq!(folder.after(QUIET), ["- a"]);
}

#[test]
fn a_file_that_is_written_bit_by_bit_loses_nothing() {
    let whole = documents(&[service("a", 2), service("b", 2), service("c", 2)]);
    let mut folder = Folder::new(&[("a.yaml", &documents(&[service("a", 1), service("b", 1), service("c", 1)]))]);
    folder.look();
    let mut told = Vec::new();
    for end in 0..whole.len() {
        folder.write("a.yaml", &whole[..end]);
        folder.now += QUIET / 100;
        told.extend(folder.look());
    }
    assert!(!told.iter().any(|t| t.starts_with('-')), "{told:?}");
    folder.write("a.yaml", &whole);
    folder.look();
    assert!(folder.catalog.objects().values().all(|o| says(o) == "2"));
    assert_eq!(folder.findings(), [""; 0]);
}

#[test]
fn objects_removed_in_place_go_once_the_file_has_been_left_alone_and_those_of_a_renamed_file_at_once() {
    let both = documents(&[service("a", 1), service("b", 1)]);
    let mut folder = Folder::new(&[("a.yaml", &both)]);
    folder.look();
    folder.write("a.yaml", &service("a", 2));
    assert_eq!(folder.look(), [""; 0]);
    assert_eq!(folder.after(QUIET), ["+ a 2", "- b"]);
    folder.write("a.yaml", &both);
    assert_eq!(folder.look(), ["+ a 1", "+ b 1"]);
    folder.replace("a.yaml", &service("a", 3));
    assert_eq!(folder.look(), ["+ a 3", "- b"]);
}

#[test]
fn a_writer_who_never_rests_is_obeyed_in_the_end() {
    let mut folder = Folder::new(&[("a.yaml", &documents(&[service("a", 1), service("b", 1)]))]);
    folder.look();
    let mut told = Vec::new();
    for version in 2..20 {
        folder.write("a.yaml", &service("a", version));
        folder.now += QUIET / 2;
        told.extend(folder.look());
    }
    assert!(told.contains(&"- b".to_owned()), "{told:?}");
}

#[test]
fn a_file_is_read_when_its_writer_closes_it() {
    let mut folder = Folder::new(&[("a.yaml", &service("a", 1))]);
    folder.look();
    folder.write("a.yaml", &service("a", 2));
    assert_eq!(folder.hear("a.yaml", Noise::Writing), [""; 0]);
    assert_eq!(folder.look(), [""; 0]);
    assert_eq!(folder.hear("a.yaml", Noise::Done), ["+ a 2"]);
    // Or when nothing has been heard of the writer for a while.
    folder.write("a.yaml", &service("a", 3));
    assert_eq!(folder.hear("a.yaml", Noise::Writing), [""; 0]);
    assert_eq!(folder.after(QUIET), ["+ a 3"]);
}

#[test]
fn a_file_that_is_away_while_its_editor_writes_another_is_not_missed() {
    let mut folder = Folder::new(&[("a.yaml", &service("a", 1))]);
    folder.look();
    fs::rename(folder.path("a.yaml"), folder.path("a.yaml~")).unwrap();
    assert_eq!(folder.hear("a.yaml", Noise::Done), [""; 0]);
    folder.write("a.yaml", &service("a", 2));
    assert_eq!(folder.hear("a.yaml", Noise::Done), ["+ a 2"]);
    fs::remove_file(folder.path("a.yaml~")).unwrap();
    assert_eq!(folder.hear("a.yaml~", Noise::Done), [""; 0]);
    assert_eq!(folder.after(QUIET), [""; 0]);
    // The same file, taken away and put back untouched.
    fs::rename(folder.path("a.yaml"), folder.path("a.yaml~")).unwrap();
    assert_eq!(folder.look(), [""; 0]);
    fs::rename(folder.path("a.yaml~"), folder.path("a.yaml")).unwrap();
    assert_eq!(folder.look(), [""; 0]);
    assert_eq!(folder.after(QUIET), [""; 0]);
    assert_eq!(folder.catalog.objects().len(), 1);
}

#[test]
fn a_removed_file_takes_its_objects_along_and_a_renamed_one_does_not() {
    let mut folder = Folder::new(&[("a.yaml", &service("a", 1)), ("b.yaml", &service("b", 1))]);
    folder.look();
    fs::rename(folder.path("a.yaml"), folder.path("c.yaml")).unwrap();
    fs::remove_file(folder.path("b.yaml")).unwrap();
    assert_eq!(folder.look(), [""; 0]);
    assert_eq!(folder.findings(), [""; 0]);
    assert_eq!(folder.after(QUIET), ["- b"]);
    assert_eq!(folder.reader.deadline(folder.now), None);
}

#[test]
fn a_folder_that_vanishes_takes_nothing_along_and_is_read_again_when_it_is_back() {
    let mut folder = Folder::new(&[("in/a.yaml", &service("a", 1)), ("in/b.yaml", &service("b", 1))]);
    folder.reader = Reader::new(folder.path("in"));
    folder.look();
    fs::remove_dir_all(folder.path("in")).unwrap();
    assert_eq!(folder.hear("in/a.yaml", Noise::Done), [""; 0]);
    assert_eq!(folder.look(), [""; 0]);
    assert_eq!(folder.reader.missing(folder.now), None);
    assert_eq!(folder.after(QUIET * 10), [""; 0]);
    assert_eq!(folder.reader.missing(folder.now), Some("No such file or directory (os error 2)"));
    folder.write("in/b.yaml", &service("b", 2));
    assert_eq!(folder.look(), ["+ b 2"]);
    assert_eq!(folder.after(QUIET / 2), [""; 0]);
    folder.write("in/c.yaml", &service("c", 1));
    assert_eq!(folder.look(), ["+ c 1"]);
    assert_eq!(folder.after(QUIET * 2), ["- a"]);
    assert_eq!(folder.reader.missing(folder.now), None);
}

#[test]
fn a_config_map_swap_is_one_difference() {
    let mut folder = Folder::new(&[("..1/a.yaml", &service("a", 1)), ("..1/b.yaml", &service("b", 1))]);
    symlink("..1", folder.path("..data")).unwrap();
    symlink("..data/a.yaml", folder.path("a.yaml")).unwrap();
    symlink("..data/b.yaml", folder.path("b.yaml")).unwrap();
    assert_eq!(folder.look(), ["+ a 1", "+ b 1"]);
    folder.write("..2/a.yaml", &service("a", 2));
    folder.write("..2/b.yaml", &service("c", 2));
    symlink("..2", folder.path("..data_tmp")).unwrap();
    fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    assert_eq!(folder.hear("..data", Noise::Done), ["+ a 2", "- b", "+ c 2"]);
    fs::remove_dir_all(folder.path("..1")).unwrap();
    assert_eq!(folder.hear("..1", Noise::Done), [""; 0]);
}

#[test]
fn a_mesh_config_that_is_bad_empty_or_gone_leaves_the_last_good_one() {
    let folder = Folder::new(&[]);
    let mut reader = Reader::new(folder.path("mesh"));
    let mut settings = super::super::settings::Settings::new(crate::api::mesh::MeshConfig::parse);
    let mut now = Instant::now();
    let mut look = |now| {
        reader.walk_soon();
        reader.work(&mut settings, now);
        let findings: Vec<&str> = settings.findings().iter().map(|f| f.code).collect();
        (settings.current().trust_domain.to_string(), findings)
    };
    assert_eq!(look(now), ("cluster.local".to_owned(), vec![]));
    folder.write("mesh", "trustDomain: a\n");
    assert_eq!(look(now), ("a".to_owned(), vec![]));
    folder.write("mesh", "trustDomain: [\n");
    assert_eq!(look(now), ("a".to_owned(), vec!["syntax"]));
    folder.write("mesh", "trustDomain: b\nconnectTimeout: soon\n");
    assert_eq!(look(now).0, "a");
    folder.write("mesh", "");
    look(now);
    fs::remove_file(folder.path("mesh")).unwrap();
    now += QUIET * 10;
    assert_eq!(look(now).0, "a");
    folder.write("mesh", "trustDomain: c\n");
    assert_eq!(look(now), ("c".to_owned(), vec![]));
    folder.write("mesh", "{}");
    assert_eq!(look(now), ("cluster.local".to_owned(), vec![]));
}
