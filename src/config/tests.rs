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
fn ranges_of_virtual_addresses_are_of_their_family_and_large_enough_or_else_istiods() {
    const V4: &str = "PILOT_IP_AUTOALLOCATE_IPV4_PREFIX";
    const V6: &str = "PILOT_IP_AUTOALLOCATE_IPV6_PREFIX";
    let read = |v4: &str, v6: &str| {
        let (v4, v6) = (v4.to_owned(), v6.to_owned());
        let (env, problems) = Environment::from_lookup(move |name| match name {
            V4 => Some(v4.clone()),
            V6 => Some(v6.clone()),
            _ => None,
        });
        let features = env.features.generation;
        (format!("{} {}", features.allocate_v4, features.allocate_v6), problems)
    };
    assert_eq!(read("10.96.7.7/20", "fd00:1::9/64"), ("10.96.0.0/20 fd00:1::/64".to_owned(), Vec::new()));
    for (v4, v6) in [("10.0.0.0", "fd00::"), ("fd00::/64", "10.0.0.0/8"), ("10.0.0.0/31", "fd00::/127"), ("x", "y")] {
        let (ranges, problems) = read(v4, v6);
        assert_eq!(ranges, "240.240.0.0/16 2001:2::/48");
        assert!(problems[0].starts_with(&format!("{V4}={v4} is not a range of IPv4")), "{problems:?}");
        assert!(problems[1].starts_with(&format!("{V6}={v6} is not a range of IPv6")), "{problems:?}");
    }
}

#[test]
fn lists_are_what_is_between_commas_and_an_empty_one_is_the_default() {
    let of = |name: &'static str, value: &'static str| {
        Environment::from_lookup(|asked| (asked == name).then(|| value.to_owned())).0.features
    };
    let namespaces = of("DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES", "kiali, grafana,").debug_namespaces;
    assert_eq!(namespaces, ["grafana".to_owned(), "kiali".to_owned()].into());
    assert_eq!(of("TOKEN_AUDIENCES", "istio-ca,mesh").token_audiences, ["istio-ca", "mesh"]);
    assert_eq!(of("TOKEN_AUDIENCES", " , ").token_audiences, ["istio-ca"]);
    assert!(!of("MIZZEN_BALANCE_CONNECTIONS", "false").balance && of("", "").balance);
}

#[test]
fn log_levels_are_istiods() {
    assert_eq!(LogLevel::parse("default:debug,ads:none"), Some(LogLevel(tracing::Level::DEBUG)));
    assert_eq!(LogLevel::parse("all:warn"), Some(LogLevel(tracing::Level::WARN)));
    assert_eq!(LogLevel::parse("default:loud"), None);
}
