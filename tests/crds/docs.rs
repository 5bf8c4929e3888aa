//! The doc comments of the types that users' objects are read into.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a type and its fields are for.
#[derive(Clone, Default)]
struct Type {
    text: String,
    /// By the name that users write.
    fields: BTreeMap<String, String>,
}

/// All types, by name; a name may occur more than once.
pub(crate) struct Docs(BTreeMap<String, Vec<Type>>);

impl Docs {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut docs = Docs(BTreeMap::new());
        docs.folder(folder);
        docs
    }

    fn folder(&mut self, folder: &Path) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                self.folder(&path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                self.file(&fs::read_to_string(path).unwrap());
            }
        }
    }

    /// Looks for structs and enums, their fields and variants, line by line: rustfmt sees to the form.
    fn file(&mut self, text: &str) {
        let (mut doc, mut rename) = (String::new(), None);
        let mut open: Option<(String, Type)> = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if let Some(comment) = trimmed.strip_prefix("///") {
                let separator = if doc.is_empty() { "" } else { " " };
                doc.push_str(&format!("{separator}{}", comment.trim()));
                continue;
            }
            if trimmed.starts_with("#[") {
                let quoted = |after: &str| Some(trimmed.split(after).nth(1)?.split('"').next()?.to_owned());
                rename = quoted("rename = \"").or(rename);
                continue;
            }
            let declared =
                trimmed.trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            if let Some(rest) = declared.strip_prefix("struct ").or_else(|| declared.strip_prefix("enum "))
                && trimmed.ends_with('{')
            {
                open = Some((name(rest), Type { text: std::mem::take(&mut doc), fields: BTreeMap::new() }));
            } else if trimmed == "}" {
                if let Some((name, found)) = open.take() {
                    self.0.entry(name).or_default().push(found);
                }
            } else if let Some((_, found)) = &mut open {
                let field = name(declared);
                if !field.is_empty() {
                    let written = rename.take().unwrap_or_else(|| camel(declared.trim_start_matches("r#"), &field));
                    found.fields.insert(written, std::mem::take(&mut doc));
                }
            }
            doc.clear();
            rename = None;
        }
    }

    /// The type of that name that has these fields.
    fn find(&self, name: &str, fields: &[&str]) -> Option<&Type> {
        let known = |t: &&Type| fields.iter().filter(|f| t.fields.contains_key(**f)).count();
        self.0.get(name)?.iter().max_by_key(known)
    }

    /// What a type is for.
    pub(crate) fn of(&self, name: &str, fields: &[&str]) -> Option<&str> {
        self.find(name, fields).map(|t| t.text.as_str()).filter(|text| !text.is_empty())
    }

    /// What a field is for; a part of a oneof is described by its variant, whose enum is found by that name.
    pub(crate) fn field(&self, name: &str, fields: &[&str], field: &str) -> Option<&str> {
        let own = self.find(name, fields).and_then(|t| t.fields.get(field));
        let variant = || {
            let all =
                self.0.values().flatten().filter(|t| fields.iter().filter(|f| t.fields.contains_key(**f)).count() > 1);
            all.filter_map(|t| t.fields.get(field)).find(|text| !text.is_empty())
        };
        own.or_else(variant).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// `per_try_timeout` and `PerTryTimeout` as users write them.
fn camel(declared: &str, name: &str) -> String {
    let name = if declared.starts_with(name) { name } else { declared.split([':', ' ', '(']).next().unwrap_or(name) };
    let mut out = String::new();
    let mut upper = false;
    for (at, c) in name.chars().enumerate() {
        match c {
            '_' => upper = true,
            c if at == 0 => out.push(c.to_ascii_lowercase()),
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}
