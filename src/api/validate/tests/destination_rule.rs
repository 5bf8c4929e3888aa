use super::{check, findings};

#[test]
fn destination_rules_have_valid_subsets_and_scope() {
    check(
        "DestinationRule",
        &[
            ("{host: a, subsets: [{name: v1, labels: {version: v1}}]}", &[]),
            ("{}", &["host: must not be empty"]),
            ("{host: a, trafficPolicy: {}}", &["trafficPolicy: must have at least one field"]),
            ("{host: a, subsets: [{name: v1}, {name: v1}]}", &["subsets[1].name: names \"v1\" a second time"]),
            (
                "{host: a, subsets: [{name: v_1}]}",
                &["subsets[0].name: must be made of letters, digits and inner hyphens, at most 63, found \"v_1\""],
            ),
            (
                "{host: a, workloadSelector: {matchLabels: {app: b}}, exportTo: ['*']}",
                &["exportTo: must not leave the object's namespace where there is a workloadSelector"],
            ),
            (
                "{host: a, workloadSelector: {matchLabels: {app: 'b*'}}}",
                &["workloadSelector.matchLabels[app]: must not have a wildcard"],
            ),
        ],
    );
}

/// Asserts what is found in a traffic policy, which may stand in any of three places.
fn check_policy(cases: &[(&str, &[&str])]) {
    for (policy, expected) in cases {
        for (before, path, after) in [
            ("{host: a, trafficPolicy: ", "trafficPolicy.", "}"),
            ("{host: a, subsets: [{name: v1, trafficPolicy: ", "subsets[0].trafficPolicy.", "}]}"),
        ] {
            let found = findings("DestinationRule", &format!("{before}{policy}{after}"));
            let found: Vec<_> = found.iter().map(|f| f.replacen(path, "", 1)).collect();
            assert_eq!(found, *expected, "{policy}");
        }
    }
}

#[test]
fn connection_pools_are_what_envoy_takes() {
    check_policy(&[
        ("{connectionPool: {tcp: {idleTimeout: 0s, maxConnections: 5}}}", &[]),
        ("{connectionPool: {}}", &["connectionPool: must have at least one of tcp and http"]),
        (
            "{connectionPool: {tcp: {maxConnections: -1, connectTimeout: 100us}}}",
            &[
                "connectionPool.tcp.maxConnections: must not be negative, found -1",
                "connectionPool.tcp.connectTimeout: must be at least 1ms, found 0.000100s",
            ],
        ),
        (
            "{connectionPool: {http: {h2UpgradePolicy: UPGRADE, useClientProtocol: true, http2KeepAlive: {interval: 1s}}}}",
            &[
                "connectionPool.http.useClientProtocol: must not be true where h2UpgradePolicy is UPGRADE",
                "connectionPool.http.http2KeepAlive.timeout: must be set",
            ],
        ),
        (
            "{outlierDetection: {maxEjectionPercent: 101, consecutiveLocalOriginFailures: 3, outlierDetectionHttpErrorCodes: [600]}}",
            &[
                "outlierDetection.maxEjectionPercent: must be from 0 to 100, found 101",
                "outlierDetection.consecutiveLocalOriginFailures: counts only with splitExternalLocalOriginErrors",
                "outlierDetection.outlierDetectionHttpErrorCodes[0]: must be an HTTP status from 100 to 599, found 600",
            ],
        ),
        (
            "{portLevelSettings: [{connectionPool: {tcp: {maxConnections: 1}}}, {port: {number: 80}}]}",
            &[
                "portLevelSettings[0].port: must be set",
                "portLevelSettings[1]: must have at least one field beside port",
            ],
        ),
        (
            "{tunnel: {protocol: PUT, targetHost: a b, targetPort: 0}}",
            &[
                "tunnel.protocol: must be CONNECT or POST, found \"PUT\"",
                "tunnel.targetHost: must be a DNS name or an IP address, found \"a b\", whose part \"a b\" is none",
                "tunnel.targetPort: must be a port from 1 to 65535, found 0",
            ],
        ),
        ("{retryBudget: {percent: 120}}", &["retryBudget.percent: must be from 0 to 100, found 120"]),
    ]);
}

#[test]
fn load_balancing_is_what_envoy_takes() {
    check_policy(&[
        ("{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 65537}}}}", &[]),
        (
            "{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 65536}}}}",
            &["loadBalancer.consistentHash.maglev.tableSize: must be a prime number below 5000011, found 65536"],
        ),
        (
            "{loadBalancer: {consistentHash: {httpCookie: {ttl: 0s, attributes: [{name: a}, {name: a}]}}}}",
            &[
                "loadBalancer.consistentHash.httpCookie.name: must not be empty",
                "loadBalancer.consistentHash.httpCookie.attributes[1].name: names \"a\" a second time",
            ],
        ),
        (
            "{loadBalancer: {warmup: {aggression: 0}}}",
            &["loadBalancer.warmup.duration: must be set", "loadBalancer.warmup.aggression: must be greater than 0"],
        ),
        (
            "{loadBalancer: {localityLbSetting: {failover: [{from: a, to: a/b}]}}}",
            &[
                "ineffective loadBalancer.localityLbSetting: needs outlierDetection beside it; without that endpoints never count as failed",
                "loadBalancer.localityLbSetting.failover[0].to: must be a region, found \"a/b\"",
            ],
        ),
        (
            "{loadBalancer: {localityLbSetting: {distribute: [{from: 'a/*', to: {'a/b/*': 60, a/b: 50}}]}}}",
            &[
                "loadBalancer.localityLbSetting.distribute[0].to: must make 100 together, found 110",
                "loadBalancer.localityLbSetting.distribute[0].to: has \"a/b/*\" and \"a/b\", of which one covers the other",
            ],
        ),
        (
            "{loadBalancer: {localityLbSetting: {}, zoneAwareLbSetting: {}}}",
            &["loadBalancer: may have only one of localityLbSetting and zoneAwareLbSetting"],
        ),
    ]);
}

#[test]
fn client_tls_has_the_files_that_its_mode_needs() {
    check_policy(&[
        ("{tls: {mode: SIMPLE, credentialName: a}}", &[]),
        (
            "{tls: {mode: MUTUAL, clientCertificate: /a}}",
            &["tls.privateKey: must be set with mode MUTUAL, or credentialName"],
        ),
        (
            "{tls: {mode: MUTUAL, credentialName: a, privateKey: /k}}",
            &["tls.privateKey: must not be set beside credentialName"],
        ),
        (
            "{tls: {mode: SIMPLE, insecureSkipVerify: true, caCertificates: /c}}",
            &["tls.caCertificates: must not be set with insecureSkipVerify, which checks nothing"],
        ),
    ]);
}
