//! Which build this is: `mizzen version`, the text of `/version`, and what metrics and xDS responses say.

use serde::Serialize;
use serde_json::json;

use crate::config::VersionArgs;

/// The version of Istio whose behaviour mizzen has.
pub const ISTIO: &str = "1.32.0";

/// mizzen's own version.
pub const MIZZEN: &str = env!("CARGO_PKG_VERSION");

/// A build in the form in which istioctl reads it (`pkg/version`, `BuildInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// The version of Istio it stands for.
    pub version: &'static str,
    /// What was built: mizzen's version, and the commit where the build was told it.
    pub revision: String,
    /// Empty: nothing here is Go's.
    pub golang_version: &'static str,
    /// `Clean` or `Modified`; `unknown` where the build was not told.
    pub status: &'static str,
    /// The version again, as releases are tagged.
    pub tag: &'static str,
}

impl Build {
    /// This build. The commit and the status come from `MIZZEN_REVISION` and `MIZZEN_STATUS` at compile time.
    pub fn this() -> Self {
        let commit = option_env!("MIZZEN_REVISION").map(|r| format!(".{r}")).unwrap_or_default();
        Self {
            version: ISTIO,
            revision: format!("mizzen.{MIZZEN}{commit}"),
            golang_version: "",
            status: option_env!("MIZZEN_STATUS").unwrap_or("unknown"),
            tag: ISTIO,
        }
    }

    /// `<version>-<revision>-<status>` as on `/version`. Kiali takes the first three numbers with dots between for
    /// Istio's version.
    pub fn text(&self) -> String {
        format!("{}-{}-{}", self.version, self.revision, self.status)
    }
}

/// What `mizzen version` prints.
///
/// # Errors
/// When the format asked for is none.
pub fn render(args: &VersionArgs) -> anyhow::Result<String> {
    let build = Build::this();
    match (args.output.as_str(), args.short) {
        ("json", _) => Ok(serde_json::to_string_pretty(&json!({ "clientVersion": build }))?),
        ("", true) => Ok(build.text()),
        ("", false) => Ok(format!("mizzen {MIZZEN}, compatible with Istio {ISTIO} ({})", build.text())),
        (other, _) => anyhow::bail!("--output={other}: only json is known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(short: bool, output: &str) -> anyhow::Result<String> {
        render(&VersionArgs { short, output: output.to_owned() })
    }

    #[test]
    fn kiali_finds_istios_version_first() {
        let found = regex::Regex::new(r"([0-9]+\.[0-9]+\.[0-9]+)").unwrap();
        let text = Build::this().text();
        assert_eq!(&found.captures(&text).unwrap()[1], ISTIO);
        let other = regex::Regex::new(r"(\d+\.\d+)-alpha\.|-dev-|(\d+\.\d+.\d+)-((?:alpha|beta|rc|RC)\.\d+)").unwrap();
        assert!(!other.is_match(&text), "{text} is no release");
    }

    #[test]
    fn the_version_is_printed_for_people_and_for_istioctl() {
        assert!(version(false, "").unwrap().starts_with(&format!("mizzen {MIZZEN}, compatible with Istio {ISTIO}")));
        assert_eq!(version(true, "").unwrap(), Build::this().text());
        let printed: serde_json::Value = serde_json::from_str(&version(false, "json").unwrap()).unwrap();
        assert_eq!(printed["clientVersion"]["version"], ISTIO);
        assert!(version(false, "xml").is_err());
    }
}
