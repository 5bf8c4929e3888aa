//! Turns `.proto` files into what the crate embeds, without `protoc`.
//!
//! Comes in: `proto/` (what no crate carries) and the `.proto` tree that ships inside `envoy-types`, found
//! through `cargo metadata`, so that descriptors and generated types are always of one version.
//! Goes out, into `OUT_DIR`: Rust types of our own protos (`proto.rs` and what it includes), the descriptors of
//! everything (`descriptors.bin`, for dumps), and the tables of `wire::schema` (`schema.bin`).

#![expect(clippy::disallowed_methods, reason = "a build script is told by its environment where things are")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;
use protox::prost_reflect::DescriptorPool;

#[path = "build/lookup.rs"]
mod lookup;
#[path = "build/rules.rs"]
mod rules;
#[path = "src/wire/schema/table.rs"]
mod table;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Our own include root; also the first in which an import is looked up.
const OURS: &str = "proto";

fn main() -> Result<()> {
    for input in ["build.rs", "build", OURS, "src/wire/schema/table.rs", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    generate_types(&out)?;
    let (pool, descriptors) = describe_everything()?;
    fs::write(out.join("descriptors.bin"), descriptors)?;
    fs::write(out.join("schema.bin"), rules::table(&pool)?.encode_to_vec())?;
    Ok(())
}

/// Rust types for the protos under `proto/`. Maps are ordered, so that equal messages encode equally; Google's
/// types are those that Envoy's use.
fn generate_types(out: &Path) -> Result<()> {
    let mut compiler = protox::Compiler::new([OURS])?;
    compiler.include_source_info(true).include_imports(true).open_files(protos_below(Path::new(OURS))?)?;
    prost_build::Config::new()
        .out_dir(out)
        .include_file("proto.rs")
        .btree_map(["."])
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com")
        .compile_well_known_types()
        .extern_path(".google.protobuf", "::envoy_types::pb::google::protobuf")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// Compiles every proto there is. The descriptors are returned twice: as a pool that still knows the validation
/// rules (they are extensions), and encoded without them, which is all a dump needs.
fn describe_everything() -> Result<(DescriptorPool, Vec<u8>)> {
    let roots = include_roots()?;
    let mut compiler = protox::Compiler::with_file_resolver(lookup::Protos::new(&roots));
    compiler.include_source_info(false).include_imports(true);
    for root in &roots {
        compiler.open_files(protos_below(root)?)?;
    }
    Ok((compiler.descriptor_pool(), compiler.file_descriptor_set().encode_to_vec()))
}

/// Where imports are looked up: our own protos first, then each repository whose protos `envoy-types` collects.
fn include_roots() -> Result<Vec<PathBuf>> {
    let mut roots = vec![PathBuf::from(OURS)];
    for entry in fs::read_dir(envoy_protos()?)? {
        // One repository keeps its include root a folder deeper than the others.
        let repository = entry?.path();
        let deeper = repository.join("proto");
        roots.push(if deeper.is_dir() { deeper } else { repository });
    }
    roots[1..].sort();
    Ok(roots)
}

/// The folder in the `envoy-types` crate whose subfolders are include roots. Cargo is asked first without
/// network; with, only if that fails. One platform suffices: crates of others may never have been downloaded.
fn envoy_protos() -> Result<PathBuf> {
    let metadata = cargo_metadata(&["--offline"]).or_else(|_| cargo_metadata(&[]))?;
    let package = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "envoy-types")
        .ok_or("cargo metadata lists no package envoy-types")?;
    let manifest = Path::new(package["manifest_path"].as_str().ok_or("envoy-types has no manifest_path")?);
    Ok(manifest.with_file_name("proto"))
}

fn cargo_metadata(more: &[&str]) -> Result<serde_json::Value> {
    let output = std::process::Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version=1", "--filter-platform", &env::var("TARGET")?])
        .args(more)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// All `.proto` files below a folder, sorted, so that the output does not depend on the file system.
fn protos_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
