#!/bin/sh
# Builds Helm from its Go module into the cache, if it is not there yet: some two minutes on two cores, once a machine.
# Prints where it is.
set -eu
version=4.3.1
target="${XDG_CACHE_HOME:-$HOME/.cache}/mizzen/helm-$version"
if [ ! -x "$target/helm" ]; then
    command -v go >/dev/null 2>&1 || { echo "helm.sh: go is missing; it builds Helm" >&2; exit 1; }
    echo "building Helm (some minutes, once a machine)" >&2
    mkdir -p "$target"
    GOBIN="$target" go install "helm.sh/helm/v4/cmd/helm@v$version"
fi
echo "$target/helm"
