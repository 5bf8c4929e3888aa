#!/usr/bin/env bash
# The conformance check over the wire: the cases that are equal in full (`EQUAL` of tests/corpus.rs) must be so in both
# protocol variants, at first sync and through live changes.
set -euo pipefail
cd "$(dirname "$0")/.."
cases="accesslog-file-json accesslog-file-text accesslog-grpc-services accesslog-telemetry-levels authz-conditions
authz-external authz-namespace-rules authz-tcp balancing-policies connection-limits egress-scope entry-endpoints
entry-visibility envoyfilter-http envoyfilter-network external-name-partners front-gateway grpc-service
headless-ledger house-defaults ingress-classic ingress-listeners jwt-issuers jwt-keys-unreachable l4-routing
layer4-gateway locality-failover mesh-wide-locality mesh-wide-settings metrics-overrides mtls-levels
mtls-mixed-pods mysql-same-port name-table near-first outside-hosts protocol-zoo proxy-config route-actions
route-matching route-ownership rule-precedence shared-port-numbers strict-mesh tenants-telemetry
tracing-default-config tracing-jaeger-outside tracing-otlp-http trust-domains tunnel-through-proxy two-networks
upstream-tls users-mesh vm-and-pods way-out"
cargo build
for mode in "" "--delta" "--live" "--delta --live"; do
    echo "conform.py $mode"
    # shellcheck disable=SC2086
    python3 ../shared/conform.py --binary target/debug/mizzen $mode $cases
done
