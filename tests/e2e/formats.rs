//! What mizzen takes for a format of a log is what the real Envoy takes for one.

use std::process::{Command, Stdio};

use mizzen::api::is_log_format;
use serde_json::json;

use crate::support::envoy;

/// Of each kind of operator what it takes, and what it does not; and names that are nearly ones.
const FORMATS: &str = r#"
%PROTOCOL%  %PROTOCOL()%  %PROTOCOL(x)%  %PROTOCOL:3%  %PROTOCOL():3%  %PROTOCO%  %protocol%  %PROTOCOLS%
%START_TIME%  %START_TIME(%s.%3f)%  %START_TIME(%Y (x))%  %START_TIME():3%  %EMIT_TIME_LOCAL(%Y)%
%UPSTREAM_PEER_CERT_V_START(%Y)%  %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%  %UPSTREAM_HOST_NAME(x)%  %TRACE_ID:3%
%REQ(X)%  %REQ(:PATH)%  %REQ(X?Y)%  %REQ(X?Y?Z)%  %REQ()%  %REQ%  %REQ(X Y)%  %REQ(a:b)%  %REQ(X):10%  %REQ(X):0%  %REQ(?A)%
%RESP(X?Y):5%  %TRAILER(grpc-status)%  %REQUEST_TRAILER(x)%  %RESPONSE_TRAILER(x)%
%CLUSTER_METADATA(a:b)%  %CLUSTER_METADATA%  %UPSTREAM_METADATA(a:b:c):3%  %DYNAMIC_METADATA(a):3%  %DYNAMIC_METADATA()%
%CLUSTER_METADATA(a):3%  %UPSTREAM_FILTER_STATE(a:TYPED)%  %METADATA(ROUTE:a:b)%  %METADATA(ROUTE)%  %METADATA(x)%  %METADATA(CLUSTER:a):3%
%FILTER_STATE(a)%  %FILTER_STATE(a:PLAIN)%  %FILTER_STATE(a:TYPED):3%  %FILTER_STATE(a:x)%  %FILTER_STATE(a:FIELD:b)%  %FILTER_STATE(a:FIELD)%
%PATH%  %PATH(WQ)%  %PATH(NQ:ORIG)%  %PATH(WQ:x)%  %PATH(ORIG)%  %PATH():3%  %PATH(WQ:ORIG_OR_PATH)%  %PATH(NQ:PATH)%
%QUERY_PARAMS(DECODED)%  %QUERY_PARAMS(x)%  %QUERY_PARAM(x):3%  %QUERY_PARAM%
%GRPC_STATUS%  %GRPC_STATUS(SNAKE_STRING)%  %GRPC_STATUS(x)%  %GRPC_STATUS_NUMBER%
%COMMON_DURATION(a:b)%  %COMMON_DURATION(a:b:us)%  %COMMON_DURATION(a:b:ns)%  %COMMON_DURATION(a:b:ms)%  %COMMON_DURATION(a:b:s)%  %COMMON_DURATION(a:b:x)%  %COMMON_DURATION(x)%  %COMMON_DURATION%
%CEL(request.path)%  %CEL(request.path):3%  %CEL(1+)%  %CEL()%
%COALESCE({"operators":["PROTOCOL",{"command":"REQ","param":"x"}]})%  %COALESCE({"operators":[]})%  %COALESCE({"operators":["FOO"]})%
%PER_REQUEST_STATE(x)%  %FILE_CONTENT(/etc/hostname)%  %ENVIRONMENT(X)%  %LISTENER_NAME%  %RESPONSE_COD%  100%%  50%
"#;

/// Whether Envoy starts with a log like this.
fn envoy_takes(format: &str) -> bool {
    let log = json!({"name": "f", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": "/dev/null", "log_format": {"text_format_source": {"inline_string": format}}}});
    let proxy = json!({"@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "x", "cluster": "c", "access_log": [log]});
    let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": 1}});
    let chains = json!([{"filters": [{"name": "t", "typed_config": proxy}]}]);
    let config = json!({"static_resources": {
        "listeners": [{"address": address, "filter_chains": chains}], "clusters": [{"name": "c", "type": "STATIC"}]}});
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();
    let mut validate = Command::new(envoy::binary());
    validate.args(["--mode", "validate", "-l", "off", "-c"]).arg(file.path());
    validate.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn a_format_of_a_log_is_taken_where_envoy_takes_it() {
    let formats: Vec<&str> = FORMATS.lines().flat_map(|line| line.split("  ")).filter(|f| !f.is_empty()).collect();
    let wrong: Vec<&&str> = formats.iter().filter(|format| envoy_takes(format) != is_log_format(format)).collect();
    assert!(wrong.is_empty(), "mizzen and Envoy are not of one mind about {wrong:#?}");
    let taken = formats.iter().filter(|format| is_log_format(format)).count();
    assert!(taken > 30 && formats.len() - taken > 30, "{taken} of {}", formats.len());
}
