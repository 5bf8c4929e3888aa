//! The flags of `mizzen analyze`, named like those of `istioctl analyze`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::base::Severity;

/// Flags of `mizzen analyze`.
///
/// What only a proxy tells is not said: patches that fit none of its listeners and filters, keys that it may not have.
/// `mizzen render` and a control plane with that proxy say it.
///
/// Exits 0 where nothing is found that matters, 1 where something is at or above --failure-threshold, and 2 where it
/// could not look.
#[derive(Debug, Clone, Args)]
pub struct AnalyzeArgs {
    /// Folders and files of YAML or JSON: any Kubernetes or Istio kind; read as one mesh
    #[arg(required = true, value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,
    /// The mesh's settings, a MeshConfig as YAML
    #[arg(long = "meshConfig", value_name = "FILE")]
    pub mesh_config: Option<PathBuf>,
    /// How to print what is found
    #[arg(short, long, default_value = "text", value_name = "FORMAT")]
    pub output: AnalyzeFormat,
    /// From which severity on findings make it exit 1
    #[arg(long, default_value = "error", value_name = "LEVEL", ignore_case = true)]
    pub failure_threshold: Level,
    /// From which severity on findings are printed
    #[arg(long, default_value = "info", value_name = "LEVEL", ignore_case = true)]
    pub output_threshold: Level,
    /// The suffix of Kubernetes' names
    #[arg(long, default_value = "cluster.local")]
    pub domain: String,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnalyzeFormat {
    /// For people: grouped by file.
    Text,
    /// For programs.
    Json,
}

/// A severity, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the variants are the names of the severities")]
pub enum Level {
    Info,
    Warning,
    Error,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}
