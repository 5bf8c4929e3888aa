#!/usr/bin/env bash
# The conformance check over the wire: the cases of the main job must be equal, in both protocol variants, at first
# sync and through live changes.
set -euo pipefail
cd "$(dirname "$0")/.."
cases="grpc-service mysql-same-port protocol-zoo headless-ledger external-name-partners shared-port-numbers outside-hosts
entry-endpoints vm-and-pods entry-visibility name-table route-matching route-actions l4-routing balancing-policies
connection-limits"
cargo build
for mode in "" "--delta" "--live" "--delta --live"; do
    echo "conform.py $mode"
    # shellcheck disable=SC2086
    python3 ../shared/conform.py --binary target/debug/mizzen $mode $cases
done
