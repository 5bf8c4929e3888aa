//! What stands in the cluster when a writer begins.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

use super::condition;
use super::pass::Said;
use crate::api::{Key, Kind};
use crate::base::{Namespace, Str};
use crate::status::rights::Right;
use crate::status::server::{Failure, Server};

/// How many objects are read at a time.
const PAGE: usize = 500;

/// All conditions of ours on objects that are read here; none if they cannot be read now.
pub(super) async fn all(server: &Server, revision: &str) -> Option<BTreeMap<Key, Said>> {
    let mut said = BTreeMap::new();
    for kind in Kind::all().filter(|kind| kind.is_istio()) {
        let Some(version) = server.version(kind).await else { continue };
        let (group, plural) = (kind.group(), kind.plural());
        let mut next = String::new();
        loop {
            let path = format!("/apis/{group}/{version}/{plural}?limit={PAGE}&continue={next}");
            let page = match server.ask(Method::GET, &path, None, &Right::to("list", group, plural)).await {
                Ok(page) => page,
                // A CRD that went, or a kind that may not be read; then nothing of it was written either.
                Err(Failure::Missing | Failure::Forbidden) => break,
                Err(_) => return None,
            };
            let items = page["items"].as_array().into_iter().flatten();
            for item in items.filter(|item| is_ours(item, revision)) {
                said.extend(of(kind, item));
            }
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => token.clone_into(&mut next),
                _ => break,
            }
        }
    }
    Some(said)
}

/// Whether an object is for this revision, as the source decides it.
fn is_ours(item: &Value, revision: &str) -> bool {
    let label = item["metadata"]["labels"]["istio.io/rev"].as_str();
    revision.is_empty() || label.is_none_or(|label| label == revision)
}

fn of(kind: Kind, item: &Value) -> Option<(Key, Said)> {
    let meta = &item["metadata"];
    let text = |key: &str| Str::from(meta[key].as_str().unwrap_or_default());
    let verdict = condition::read(&item["status"])?;
    let key = Key::new(kind, Namespace::new(text("namespace")), text("name"));
    Some((key, Said { verdict, uid: text("uid"), generation: meta["generation"].as_i64().unwrap_or_default() }))
}
