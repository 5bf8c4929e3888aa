#!/usr/bin/env python3
"""How fast a cluster is read, and how soon a change of it arrives, with a real API server on this machine.

usage: benches/kube.py [--binary target/release/mizzen] [--services 4000] [--change-services 1000] [--starts 3]

start   applies shared/bench/generate.py with so many services (10 endpoints each), starts mizzen some times, and prints
        for each start the time until it is ready, its peak memory and its CPU time
change  the same with so many services, 200 proxies (xdsprobe load), and a DestinationRule that is patched five times:
        first and last proxy after the API server's answer

Needs what tests/setup.sh builds, and ../shared with xdsprobe. Figures go into benches/README.md by hand.
"""
import argparse, concurrent.futures, http.client, json, os, pathlib, signal, socket, ssl, subprocess, sys, tempfile, threading, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
TOKEN = "admin-of-the-bench"
NETWORKING = "networking.istio.io"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def programs():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "mizzen"
    found = sorted(cache.glob("kube-apiserver-*/kube-apiserver"))
    if not found:
        sys.exit("there is no API server: run tests/setup.sh")
    return found[-1].parent


class Cluster:
    def __init__(self, folder):
        self.folder, self.port, self.local, self.children = folder, free_port(), threading.local(), []
        clients, peers = free_port(), free_port()
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", folder / "sa.key"], check=True)
        (folder / "tokens").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        url = f"http://127.0.0.1:{clients}"
        self.run("etcd", "--unsafe-no-fsync", f"--data-dir={folder}/etcd", f"--listen-client-urls={url}", f"--advertise-client-urls={url}",
            f"--listen-peer-urls=http://127.0.0.1:{peers}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}", f"--initial-cluster=default=http://127.0.0.1:{peers}")
        self.run("kube-apiserver", f"--etcd-servers={url}", f"--cert-dir={folder}/certs", f"--secure-port={self.port}", "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={folder}/sa.key",
            f"--service-account-signing-key-file={folder}/sa.key", "--service-cluster-ip-range=10.96.0.0/12", "--authorization-mode=RBAC",
            f"--token-auth-file={folder}/tokens", "--allow-privileged=true", "--disable-admission-plugins=ServiceAccount,ResourceQuota,LimitRanger")
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "b",
            "contexts": [{"name": "b", "context": {"cluster": "b", "user": "b"}}], "users": [{"name": "b", "user": {"token": TOKEN}}],
            "clusters": [{"name": "b", "cluster": {"server": f"https://127.0.0.1:{self.port}", "certificate-authority": f"{folder}/certs/apiserver.crt"}}]}))
        self.wait("/readyz")
        subprocess.run(["kubectl", "--kubeconfig", self.kubeconfig, "apply", "--server-side", "--validate=false", "-f", ROOT / "crds"],
            check=True, stdout=subprocess.DEVNULL)
        self.wait(f"/apis/{NETWORKING}/v1/destinationrules")

    def run(self, name, *args):
        log = open(self.folder / f"{name}.log", "w")
        self.children.append(subprocess.Popen([programs() / name, *args], stdout=log, stderr=log))

    def wait(self, path):
        for _ in range(600):
            try:
                if self.ask("GET", path)[0] == 200:
                    return
            except OSError:
                self.local.connection = None
            time.sleep(0.2)
        sys.exit(f"the API server does not answer {path}")

    def ask(self, method, path, body=None):
        if getattr(self.local, "connection", None) is None:
            self.local.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=ssl._create_unverified_context())
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        self.local.connection.request(method, path, body, headers)
        answer = self.local.connection.getresponse()
        return answer.status, answer.read()

    def create(self, o):
        api, ns = o["apiVersion"], o["metadata"].get("namespace")
        plural = {"Gateway": "gateways", "ServiceEntry": "serviceentries"}.get(o["kind"], o["kind"].lower() + "s")
        path = ("/api/v1" if api == "v1" else f"/apis/{api}") + (f"/namespaces/{ns}" if ns else "") + f"/{plural}"
        status, answer = self.ask("POST", path, json.dumps(o))
        if status not in (201, 409):
            sys.exit(f"{path}: {answer.decode()}")

    def fill(self, services):
        """The mesh of generate.py without its Pods; says how many objects."""
        text = subprocess.run([sys.executable, SHARED / "bench/generate.py", "--services", str(services)], check=True, capture_output=True, text=True).stdout
        objects = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        first = [o for o in objects if o["kind"] == "Namespace"]
        rest = [o for o in objects if o["kind"] not in ("Namespace", "Pod")]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.create, first))
            list(pool.map(self.create, rest))
        return len(first) + len(rest)

    def stop(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()


class Mizzen:
    def __init__(self, binary, kubeconfig):
        http_port, self.grpc = free_port(), free_port()
        began = time.monotonic()
        self.process = subprocess.Popen([binary, "discovery", "--stateDir=", "--meshConfig=/nowhere", "--monitoringAddr=", "--kubeconfig", kubeconfig,
            "--httpAddr", f"127.0.0.1:{http_port}", "--grpcAddr", f"127.0.0.1:{self.grpc}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                if urllib.request.urlopen(f"http://127.0.0.1:{http_port}/ready", timeout=5).status == 200:
                    break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("mizzen ends by itself")
                time.sleep(0.005)
        self.ready = time.monotonic() - began

    def peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def start(o, folder):
    cluster = Cluster(folder)
    try:
        print(f"start: {o.services} services, {cluster.fill(o.services)} objects")
        for _ in range(o.starts):
            mizzen = Mizzen(o.binary, cluster.kubeconfig)
            print(f"  ready after {mizzen.ready:.2f} s, {mizzen.peak():.0f} MB at most, {mizzen.cpu():.2f} s of CPU", flush=True)
            mizzen.stop()
    finally:
        cluster.stop()


def change(o, folder):
    sys.path.insert(0, str(SHARED))
    from accept import build_probe
    cluster = Cluster(folder)
    try:
        cluster.fill(o.change_services)
        mizzen = Mizzen(o.binary, cluster.kubeconfig)
        url = f"https://127.0.0.1:{cluster.port}/apis/{NETWORKING}/v1/namespaces/ns-0/destinationrules/marker"
        body = '{"spec":{"trafficPolicy":{"tls":{"mode":"SIMPLE","sni":"marker-@N@"}}}}'
        print(f"change: {o.change_services} services, 200 proxies", flush=True)
        subprocess.run([build_probe(), "load", "-addr", f"127.0.0.1:{mizzen.grpc}", "-node", SHARED / "bench/node.json", "-n", "200", "-delta",
            "-pid", str(mizzen.process.pid), "-changes", "5", "-change-url", url, "-token", TOKEN, "-change-body", body, "-marker", "marker-@N@"], check=True)
        mizzen.stop()
    finally:
        cluster.stop()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/mizzen")
    a.add_argument("--services", type=int, default=4000)
    a.add_argument("--change-services", type=int, default=1000)
    a.add_argument("--starts", type=int, default=3)
    o = a.parse_args()
    for case in (start, change):
        with tempfile.TemporaryDirectory(prefix="mizzen-bench-") as folder:
            case(o, pathlib.Path(folder))


main()
