//! The walls of the house: no room uses another that the table in `src/ARCHITECTURE.md` does not allow.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// For each room what it may use, read from the table.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(source().join("ARCHITECTURE.md")).unwrap();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let from = text.find("| room | may use |").expect("the table of rooms is there");
    let rows = text[from..].lines().skip(2).take_while(|l| l.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let allowed = if cells[2].trim() == "everything" { vec!["*".to_owned()] } else { quoted(cells[2]) };
        (quoted(cells[1])[0].clone(), allowed)
    })
    .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// The room a file belongs to: the first part of its path below `src`.
fn room(file: &Path) -> String {
    let relative = file.strip_prefix(source()).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Code without comments and without inline test modules.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().map(|l| l.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn is_test(file: &Path) -> bool {
    file.components().any(|c| c.as_os_str() == "tests" || c.as_os_str() == "tests.rs")
}

/// Every `crate::a::b` of a text as `a::b`, those inside braces too.
fn uses(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + 7..];
        let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
        if let Some(inner) = rest.strip_prefix('{') {
            let inner = inner.split('}').next().unwrap_or_default();
            out.extend(inner.split(',').map(|p| p.trim().split('{').next().unwrap_or_default().to_owned()));
        } else {
            out.insert(path);
        }
    }
    out
}

#[test]
fn no_room_uses_another_that_the_table_does_not_allow() {
    let table = table();
    let mut wrong = Vec::new();
    for file in files(&source()) {
        let room = room(&file);
        if ["lib", "main"].contains(&room.as_str()) || is_test(&file) {
            continue;
        }
        let allowed = table.get(&room).unwrap_or_else(|| panic!("the room {room} is not in the table"));
        for used in uses(&code(&file)) {
            let inside = |name: &str| used == name || used.starts_with(&format!("{name}::"));
            let fine = inside(&room) || used.is_empty() || allowed.iter().any(|a| a == "*" || inside(a));
            if !fine {
                wrong.push(format!("{}: {room} uses {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_arrows_of_the_table_make_no_circle() {
    let table = table();
    let first = |name: &String| name.split("::").next().unwrap_or_default().to_owned();
    let mut done: BTreeSet<String> = BTreeSet::new();
    loop {
        let ready: Vec<_> = table
            .iter()
            .filter(|(room, uses)| !done.contains(*room) && uses.iter().all(|u| u == "*" || done.contains(&first(u))))
            .map(|(room, _)| room.clone())
            .collect();
        if ready.is_empty() {
            break;
        }
        done.extend(ready);
    }
    let left: Vec<_> = table.keys().filter(|r| !done.contains(*r)).collect();
    assert!(left.is_empty(), "these rooms are in a circle: {left:?}");
}

#[test]
fn builders_see_nothing_but_their_recipes() {
    let forbidden = [
        " static ",
        "\nstatic ",
        "std::env",
        "Instant",
        "SystemTime",
        "thread_local",
        "View",
        "Snapshot",
        "OnceLock",
        "LazyLock",
    ];
    for file in files(&source()).into_iter().filter(|f| room(f) == "generate" && !is_test(f)) {
        let text = code(&file);
        for word in forbidden {
            assert!(!text.contains(word), "{} names {word:?}", file.display());
        }
    }
}

#[test]
fn equality_and_hash_are_derived_but_for_handles() {
    for file in files(&source()) {
        if !["generate", "plan", "model"].contains(&room(&file).as_str()) || file.ends_with("facts/handle.rs") {
            continue;
        }
        let text = code(&file);
        assert!(!text.contains("Hash for "), "{} implements Hash by hand", file.display());
        assert!(!text.contains(" PartialEq for "), "{} implements PartialEq by hand", file.display());
    }
}

#[test]
fn the_middle_has_no_clock_and_no_async() {
    for file in files(&source()) {
        if !["store", "model", "plan", "generate", "wire", "api", "proxy", "base"].contains(&room(&file).as_str())
            || is_test(&file)
        {
            continue;
        }
        for word in [
            "Instant::now",
            "SystemTime",
            "async fn",
            ".await",
            "std::fs",
            "std::net::Tcp",
            "tokio::",
            "tonic::",
            "kube::",
        ] {
            assert!(!code(&file).contains(word), "{} names {word}", file.display());
        }
    }
}

#[test]
fn files_are_short() {
    for file in files(&source()) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
    }
}
