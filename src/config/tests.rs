//! The command line and the environment as istiod's users write them.

use std::time::Duration;

use clap::Parser;

use super::*;

fn discovery(arguments: &[&str]) -> (DiscoveryArgs, Vec<String>) {
    let (kept, unknown) = known(["mizzen", "discovery"].iter().chain(arguments).map(|a| (*a).to_owned()));
    match Cli::try_parse_from(kept).unwrap().command {
        Command::Discovery(args) => (*args, unknown),
        other => panic!("{other:?}"),
    }
}

#[test]
fn istiods_own_container_arguments_are_understood() {
    let (args, unknown) = discovery(&[
        "--monitoringAddr=:15014",
        "--log_output_level=default:info",
        "--log_as_json",
        "--domain",
        "cluster.local",
        "--keepaliveMaxServerConnectionAge",
        "30m",
    ]);
    assert!(unknown.is_empty());
    assert!(args.log_as_json);
    assert_eq!(args.max_connection_age, Duration::from_secs(1800));
    assert_eq!(args.registries, ["Kubernetes"]);
}

#[test]
fn an_empty_list_of_registries_is_a_folder_alone() {
    let (args, _) = discovery(&["--registries=", "--configDir", "mesh"]);
    assert!(args.registries.iter().all(String::is_empty));
    assert_eq!(args.config_dir.unwrap().to_str(), Some("mesh"));
}

#[test]
fn an_empty_state_directory_is_none() {
    let (args, _) = discovery(&["--stateDir=", "--configDir", "mesh"]);
    assert_eq!(args.state_dir.unwrap().to_str(), Some(""));
}

#[test]
fn an_unknown_flag_goes_with_its_value() {
    let (args, unknown) = discovery(&["--frobnicate", "yes", "--sails=3", "--domain", "mesh.example"]);
    assert_eq!(unknown, ["--frobnicate", "--sails"]);
    assert_eq!(args.domain, "mesh.example");
}

#[test]
fn variables_that_cannot_be_read_leave_the_default_and_are_named() {
    let (env, problems) = Environment::from_lookup(|name| match name {
        "PILOT_DEBOUNCE_AFTER" => Some("soon".into()),
        "PILOT_DEBOUNCE_MAX" => Some("1m30s".into()),
        "ENABLE_DEBUG_ON_HTTP" => Some("F".into()),
        _ => None,
    });
    assert_eq!(env.features.debounce_after, Duration::from_millis(100));
    assert_eq!(env.features.debounce_max, Duration::from_secs(90));
    assert!(!env.features.debug_on_http);
    assert!(problems[0].contains("PILOT_DEBOUNCE_AFTER=soon"));
}

#[test]
fn log_levels_are_istiods() {
    assert_eq!(LogLevel::parse("default:debug,ads:none"), Some(LogLevel(tracing::Level::DEBUG)));
    assert_eq!(LogLevel::parse("all:warn"), Some(LogLevel(tracing::Level::WARN)));
    assert_eq!(LogLevel::parse("default:loud"), None);
}
