//! Who talked to whom, from a real Prometheus that scrapes Istio's metrics.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::scene::{PAGE, PATIENCE, PROMETHEUS, Scene};
use crate::support::http;
use crate::support::process::{Process, eventually};
use crate::support::require;

/// What proxies would have counted after so many seconds: the web calls the greeter, and some calls fail; the client
/// reads a database; somebody without a proxy calls the web.
fn counted(seconds: usize) -> String {
    let labels = |reporter: &str, source: &str, namespace: &str, destination: &str| {
        format!(
            "reporter=\"{reporter}\",source_workload=\"{source}\",source_workload_namespace=\"{namespace}\",\
             destination_service=\"{destination}\",destination_service_namespace=\"shop\""
        )
    };
    let greeter = "greeter.shop.svc.cluster.local";
    let lines = [
        ("istio_requests_total", labels("source", "web-1", "shop", greeter), ",response_code=\"200\"", 40),
        ("istio_requests_total", labels("destination", "web-1", "shop", greeter), ",response_code=\"200\"", 39),
        ("istio_requests_total", labels("source", "web-1", "shop", greeter), ",response_code=\"503\"", 2),
        (
            "istio_requests_total",
            labels("destination", "unknown", "unknown", "web.shop.svc.cluster.local"),
            ",response_code=\"200\"",
            5,
        ),
        ("istio_tcp_sent_bytes_total", labels("source", "client", "shop", "orders-db.mysql.example.com"), "", 1024),
        ("istio_tcp_received_bytes_total", labels("source", "client", "shop", "orders-db.mysql.example.com"), "", 1024),
    ];
    let line = |(name, labels, more, each): (&str, String, &str, usize)| {
        format!("{name}{{{labels}{more}}} {}\n", each * seconds)
    };
    lines.into_iter().map(line).collect()
}

/// Answers scrapes for the rest of the process, as if a second passed between any two.
fn proxies(listener: TcpListener) {
    let scrapes = AtomicUsize::new(0);
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        let _ = stream.read(&mut [0; 4096]);
        let body = counted(scrapes.fetch_add(1, Ordering::Relaxed));
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all((head + &body).as_bytes());
    }
}

#[test]
fn calls_that_were_counted_are_told_by_the_names_of_services() {
    let scene = Scene::shop();
    let listener = scene.network().inside(|| TcpListener::bind("127.0.0.1:15020")).unwrap();
    std::thread::spawn(move || proxies(listener));
    let file = scene.directory().join("prometheus.yaml");
    let scrape = "global: {scrape_interval: 1s}\nscrape_configs:\n\
                  - {job_name: proxies, metrics_path: /, static_configs: [{targets: ['127.0.0.1:15020']}]}\n";
    std::fs::write(&file, scrape).unwrap();
    let mut command = scene.network().command(require::program("prometheus", "prometheus"));
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--storage.tsdb.path={}", scene.directory().join("tsdb").display()));
    command.arg(format!("--web.listen-address={PROMETHEUS}"));
    let _prometheus = Process::start("prometheus", command, scene.directory().join("prometheus.log"));
    eventually(PATIENCE, "Prometheus to know a rate", || {
        let path = "/api/v1/query?query=rate(istio_requests_total%5B2m%5D)";
        let (_, said) = scene.network().inside(|| http::get(PROMETHEUS.parse().unwrap(), path))?;
        said.contains("web-1").then_some(())
    });
    scene.browse(async |page| {
        page.open("talk?by=measured&sort=-calls", "Calls in the last 2 minutes").await;
        page.wait("tbody tr", "web.shop.svc.cluster.local service greeter.shop.svc.cluster.local service").await;
        let rows = page.all("tbody tr").await;
        assert_eq!(rows.len(), 3, "{rows:?}");
        page.wait("tbody", "unknown unknown web.shop.svc.cluster.local service").await;
        page.wait("tbody", "shop/client workload orders-db.mysql.example.com external").await;
        page.wait("tbody tr:first-child td:nth-child(4)", "! ").await;
        page.holds("a failing line", "return document.querySelectorAll('.graph .edge.failing').length === 1").await;
    });

    // Prometheus spreads what was counted over its two minutes, so it is how numbers stand to each other that is known: the
    // caller's count of 42 calls a second, with those that failed and without the callee's, to 5 of somebody else.
    let (_, said) = scene.get(PAGE, "/ui/api/measured?sort=-calls");
    let said: Value = serde_json::from_str(&said).unwrap();
    let number = |row: usize, name: &str| said["rows"][row][name].as_f64().unwrap();
    let near = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.1, "{found} {expected}: {said}");
    near(number(0, "calls") / number(1, "calls"), 42.0 / 5.0);
    near(number(0, "errors") / number(0, "calls"), 2.0 / 42.0);
    near(number(2, "bytes") / number(0, "calls"), 2048.0 / 42.0);
}
