#!/bin/sh
# Builds the Kubernetes API server and its etcd from their Go modules into the cache, if they are not there yet: some
# five minutes on two cores, once a machine. Prints the folder they are in. Debian's etcd is too old: with it, the API
# server cannot send a list as the beginning of a watch.
set -eu
cd "$(dirname "$0")"
version=$(sed -n 's/^\tk8s.io\/kubernetes v//p' go.mod | head -1)
target="${XDG_CACHE_HOME:-$HOME/.cache}/mizzen/kube-apiserver-$version"

build() { # NAME PACKAGE FLAGS
    [ ! -x "$target/$1" ] || return 0
    command -v go >/dev/null 2>&1 || { echo "build.sh: go is missing; it builds $1" >&2; exit 1; }
    echo "building $1 (some minutes, once a machine)" >&2
    mkdir -p "$target"
    go build -v -ldflags "$3" -o "$target/$1.new" "$2" 2>&1 |
        awk 'NR % 200 == 0 { print "  " NR " packages" > "/dev/stderr" } /:[0-9]+:/ { print > "/dev/stderr" }'
    mv "$target/$1.new" "$target/$1"
}

# Clients cannot read the version of a server that was built without these.
package=k8s.io/component-base/version
stamp="-s -w -X $package.gitVersion=v$version -X $package.gitMajor=${version%%.*}"
stamp="$stamp -X $package.gitMinor=$(echo "$version" | cut -d. -f2)"
build kube-apiserver . "$stamp"
build etcd go.etcd.io/etcd/server/v3 "-s -w"
echo "$target"
