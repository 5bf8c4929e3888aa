//! The dashboards that are shipped: well made, and every panel has data of this mesh.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::graph::everybody_calls;
use crate::mesh::{DATABASES, GREETER, STRANGER, Users, WEB};
use crate::parts::calls::Connection;
use crate::parts::prometheus::Prometheus;
use crate::support::http::{self, Request};
use crate::support::process::{PATIENCE, eventually};

/// What people choose from. A panel must have data for one of these: no service has calls and connections both.
const CHOICES: [(&str, &str, &str); 4] = [
    ("shop", "web", WEB),
    ("shop", "client", GREETER),
    ("shop", "client", DATABASES[0].0),
    ("shop", "greeter", GREETER),
];

pub(crate) fn every_panel(users: &mut Users) {
    let boards = boards();
    assert_eq!(boards.len(), 5);
    let mut waiting: BTreeMap<String, Vec<(Value, String)>> = BTreeMap::new();
    let mut panels = 0;
    for (name, board) in &boards {
        well_made(name, board);
        for panel in drawn(board) {
            panels += 1;
            for target in panel["targets"].as_array().expect("a panel asks something") {
                let question = target["expr"].as_str().expect("a question").to_owned();
                let title = format!("{name}: {} ({})", panel["title"], target["refId"]);
                waiting.insert(title, vec![(board.clone(), question)]);
            }
        }
    }
    let questions = waiting.len();
    let mut round = 0;
    let begun = std::time::Instant::now();
    while !waiting.is_empty() && begun.elapsed() < PATIENCE {
        // Some rates need a first count, a scrape, and a second one.
        round += 1;
        let timeout = format!("http: [{{timeout: {round}s, route: [{{destination: {{host: web}}}}]}}]");
        users.mesh.configure(
            "edited.yaml",
            &format!(
                "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: web, namespace: shop}}\n\
                 spec: {{hosts: [web], {timeout}}}\n"
            ),
        );
        everybody_calls(users);
        failing_calls(users);
        users.prometheus.wait_for_a_scrape();
        waiting.retain(|_, asked| asked.iter().all(|(board, question)| !has_data(&users.prometheus, board, question)));
    }
    assert!(waiting.is_empty(), "no data: {:#?}", waiting.iter().map(|(k, v)| (k, &v[0].1)).collect::<Vec<_>>());
    println!("{panels} panels with {questions} questions have data");
    variables(users, &boards);
}

/// Calls that fail, here and at a host that nobody knows.
fn failing_calls(users: &Users) {
    let address = (users.resolve(WEB), 80).into();
    users.client.namespace().inside(|| {
        let mut connection = Connection::open(address, WEB);
        assert_eq!(connection.get("/code/404", &[]).0, 404);
        assert_eq!(connection.get("/code/500", &[]).0, 500);
        let request = Request { method: "GET", authority: STRANGER.0, path: "/", headers: &[] };
        assert_eq!(http::call((STRANGER.1, 80).into(), &request).unwrap().status, 503);
    });
}

fn boards() -> BTreeMap<String, Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/dashboards");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let read = |path: PathBuf| {
        let board = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (path.file_stem().unwrap().to_string_lossy().into_owned(), board)
    };
    json.map(read).collect()
}

/// Panels that show something.
fn drawn(board: &Value) -> impl Iterator<Item = &Value> {
    board["panels"].as_array().expect("panels").iter().filter(|panel| panel["type"] != "row")
}

/// Nothing overlaps, ids are unique, every panel has a title of its own and a sentence, and asks the chosen source.
fn well_made(name: &str, board: &Value) {
    let mut taken = BTreeSet::new();
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for panel in board["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{name}: {}", panel["title"]);
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a place"));
        assert!(x + w <= 24, "{name}: {}", panel["title"]);
        for column in x..x + w {
            for row in y..y + h {
                assert!(taken.insert((column, row)), "{name}: {} overlaps", panel["title"]);
            }
        }
    }
    for panel in drawn(board) {
        assert!(titles.insert(panel["title"].as_str().expect("a title")), "{name}: {}", panel["title"]);
        assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name}: {}", panel["title"]);
        for target in panel["targets"].as_array().expect("questions") {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{name}: {}", panel["title"]);
        }
    }
}

/// Whether a question has an answer that is a number, for one of the things that people choose.
fn has_data(prometheus: &Prometheus, board: &Value, question: &str) -> bool {
    CHOICES.iter().any(|choice| {
        let answers = prometheus.query(&asked(board, question, *choice));
        answers.iter().any(|(_, value)| value.is_finite())
    })
}

/// A question with everything filled in as Grafana does.
fn asked(board: &Value, question: &str, (namespace, workload, service): (&str, &str, &str)) -> String {
    let several = variables_of(board).any(|variable| variable["name"] == "service" && variable["multi"] == true);
    let all: Vec<String> = DATABASES.iter().map(|(host, ..)| *host).chain([STRANGER.0]).map(escaped).collect();
    let service = if several { format!("({})", all.join("|")) } else { service.to_owned() };
    let filled = question
        .replace("$__rate_interval", "5m")
        .replace("$__range", "15m")
        .replace("$namespace", namespace)
        .replace("$workload", workload)
        .replace("$service", &service);
    // What is left are groups of regular expressions.
    assert!(!filled.replace("\"$1\"", "").contains('$'), "{filled}");
    filled
}

/// As Grafana writes a value into a regular expression within quotes.
fn escaped(text: &str) -> String {
    text.replace('.', "\\\\.")
}

fn variables_of(board: &Value) -> impl Iterator<Item = &Value> {
    board["templating"]["list"].as_array().expect("variables").iter()
}

/// What can be chosen is found.
fn variables(users: &Users, boards: &BTreeMap<String, Value>) {
    let wanted = BTreeMap::from([("namespace", vec!["shop"]), ("workload", vec!["client", "web"])]);
    for (name, board) in boards {
        for variable in variables_of(board).filter(|variable| variable["type"] == "query") {
            let query = variable["query"]["query"].as_str().expect("a question");
            let (series, label) = query
                .strip_prefix("label_values(")
                .and_then(|q| q.strip_suffix(')')?.rsplit_once(", "))
                .expect("label_values");
            let series = asked(board, series, CHOICES[0]);
            let found = eventually(PATIENCE, "something to choose", || {
                let found = users.prometheus.query(&format!("group by ({label}) ({series})"));
                (!found.is_empty()).then_some(found)
            });
            let found: BTreeSet<&str> =
                found.iter().filter_map(|(labels, _)| labels.get(label)).map(String::as_str).collect();
            let of_service = if name == "external-services" {
                DATABASES.iter().map(|(host, ..)| *host).collect()
            } else {
                vec![WEB, GREETER, DATABASES[3].0]
            };
            let variable = variable["name"].as_str().expect("a name");
            for value in wanted.get(variable).unwrap_or(&of_service) {
                assert!(found.contains(value), "{name}: ${variable} can be {found:?}, not {value}");
            }
        }
    }
}
