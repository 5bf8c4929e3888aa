//! The files that the page is made of, compiled in: no build step, nothing fetched from elsewhere.

use std::sync::LazyLock;

use crate::base::Digest;

/// A file as it is served.
pub struct Asset {
    /// Its name below `/ui/`; that of the page itself is empty.
    pub name: &'static str,
    /// The media type.
    pub kind: &'static str,
    /// The content.
    pub text: &'static str,
    /// An entity tag: the digest of the content in quotes.
    pub tag: String,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! assets {
    ($($name:literal $kind:ident $file:literal,)*) => {
        static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
            vec![$(Asset::new($name, $kind, include_str!(concat!("assets/", $file)))),*]
        });
    };
}

assets! {
    "" HTML "index.html",
    "style.css" CSS "style.css",
    "icon.svg" SVG "icon.svg",
    "app.js" JS "app.js",
    "dom.js" JS "dom.js",
    "format.js" JS "format.js",
    "table.js" JS "table.js",
    "overview.js" JS "overview.js",
    "proxies.js" JS "proxies.js",
    "proxy.js" JS "proxy.js",
    "changes.js" JS "changes.js",
    "compare.js" JS "compare.js",
    "services.js" JS "services.js",
    "findings.js" JS "findings.js",
    "talk.js" JS "talk.js",
    "graph.js" JS "graph.js",
}

/// The file of a name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    fn new(name: &'static str, kind: &'static str, text: &'static str) -> Self {
        Self { name, kind, text, tag: format!("\"{}\"", Digest::of_bytes(text.as_bytes())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_name_only_files_that_there_are() {
        let page = asset("").unwrap().text;
        let named =
            page.split(['"', '\'']).skip(1).step_by(2).filter(|word| word.ends_with(".js") || word.ends_with(".css"));
        assert!(named.clone().count() >= 2);
        named.for_each(|name| assert!(asset(name).is_some(), "{name}"));
        for script in ASSETS.iter().filter(|a| a.kind == JS) {
            for import in script.text.lines().filter(|line| line.starts_with("import ")) {
                let name = import.rsplit('"').nth(1).unwrap().trim_start_matches("./");
                assert!(asset(name).is_some(), "{} imports {name}", script.name);
            }
        }
    }

    #[test]
    fn nothing_is_from_elsewhere_and_nothing_is_made_of_text() {
        for asset in ASSETS.iter() {
            let text = asset.text.replace("http://www.w3.org/", "");
            for word in
                ["http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!text.contains(word), "{:?} has {word}", asset.name);
            }
            assert!(
                !text.contains(" onclick=") && !text.contains(" style="),
                "{:?} has what its policy forbids",
                asset.name
            );
        }
        let scripts = ASSETS.iter().filter(|a| a.kind == JS).map(|a| a.text.lines().count());
        assert!(scripts.sum::<usize>() < 1_100, "the scripts are few lines");
    }
}
