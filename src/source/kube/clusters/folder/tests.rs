use super::*;

const EAST: &str =
    "{contexts: [{name: a, context: {cluster: east}}], clusters: [{name: east, cluster: {server: 'https://e'}}]}";

fn look(files: &[(&str, Content)]) -> Look {
    Ok(files.iter().map(|(path, content)| (PathBuf::from(path), content.clone())).collect())
}

fn text(text: &str) -> Content {
    Ok(text.as_bytes().to_vec())
}

/// What happened, as `+file cluster` and `-file`.
fn take(folder: &mut Folder, files: &[(&str, Content)]) -> Vec<String> {
    let line = |event: Event| match event {
        Event::Upsert(object) => match &object.spec {
            Spec::Secret(secret) => format!("+{} {}", object.meta.name, secret.data.keys().next().unwrap()),
            other => panic!("{other:?}"),
        },
        Event::Delete(key) => format!("-{}", key.name),
        Event::Synced => "synced".to_owned(),
    };
    folder.take(look(files)).into_iter().map(line).collect()
}

fn codes(folder: &Folder) -> Vec<String> {
    folder.findings().map(|f| format!("{} {} {}", f.object.kind, f.object.name, f.code)).collect()
}

#[tokio::test]
async fn what_cannot_be_read_or_is_unfinished_stays_what_it_was_and_what_is_gone_goes() {
    let mut folder = Folder::open("/nowhere/at/all".into());
    assert_eq!(take(&mut folder, &[("/k/a.yaml", text(EAST)), ("/k/b.yaml", text(""))]), ["+/k/a.yaml east"]);
    let west = EAST.replace("east", "west");
    for unfinished in [text(" \n"), text("{contexts: [very-secret"), text("{}"), Err("denied".to_owned())] {
        let files = [("/k/a.yaml", unfinished), ("/k/b.yaml", text(&west))];
        take(&mut folder, &files);
        assert_eq!(folder.known.len(), 2);
        assert!(!folder.findings().any(|f| f.text.contains("very-secret")));
    }
    assert_eq!(codes(&folder), ["Kubeconfig /k/a.yaml unreadable"]);
    assert!(take(&mut folder, &[("/k", Err("denied".to_owned()))]).is_empty(), "they may be there still");
    assert!(folder.take(Err("it is gone".to_owned())).is_empty());
    assert_eq!(codes(&folder), ["Kubeconfig /nowhere/at/all unreadable"]);
    assert_eq!(take(&mut folder, &[("/k/c.yaml", text(&west))]), ["-/k/a.yaml", "-/k/b.yaml", "+/k/c.yaml west"]);
    assert!(codes(&folder).is_empty());
}

#[test]
fn a_cluster_is_called_as_the_current_context_calls_it_or_the_first_or_as_the_first_cluster() {
    let called = |rest: &str| {
        let clusters = "clusters: [{name: y, cluster: {}}, {name: x, cluster: {}}]";
        let kubeconfig = Kubeconfig::from_yaml(&format!("{{{clusters}, {rest}}}")).unwrap();
        cluster_of(&kubeconfig).map(|id| id.to_string())
    };
    let contexts = "contexts: [{name: b, context: {cluster: two}}, {name: a, context: {cluster: one}}]";
    assert_eq!(called(&format!("current-context: b, {contexts}")).as_deref(), Some("two"));
    assert_eq!(called(&format!("current-context: c, {contexts}")).as_deref(), Some("one"));
    assert_eq!(called(contexts).as_deref(), Some("one"));
    assert_eq!(called("contexts: []").as_deref(), Some("x"));
    assert_eq!(cluster_of(&Kubeconfig::default()), None);
}
