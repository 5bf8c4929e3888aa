//! Servers outside the mesh: each under its own name, and while connections last.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};

use crate::mesh::{DATABASES, REDIS, Users};
use crate::support::process::{PATIENCE, eventually, run};
use crate::support::servers::{redis_cli, server_id};

/// The number of connections that the client's proxy has counted to a host.
fn closed(users: &Users, host: &str) -> f64 {
    let labels = format!(r#"reporter="source",source_workload="client",destination_service="{host}""#);
    users.prometheus.value(&format!("sum(istio_tcp_connections_closed_total{{{labels}}})"))
}

pub(crate) fn databases(users: &mut Users) {
    let hosts: Vec<&str> = DATABASES.iter().map(|(host, ..)| *host).chain([REDIS.0]).collect();
    users.prometheus.wait_for_a_scrape();
    let before: Vec<f64> = hosts.iter().map(|host| closed(users, host)).collect();
    // The first one time, the second two times …
    for (times, (host, address, _)) in DATABASES.iter().enumerate() {
        for _ in 0..=times {
            let id = address.octets()[3].to_string();
            assert_eq!(run(&mut server_id(users.client.namespace(), host)).trim(), id, "{host}");
        }
    }
    for n in 0..5 {
        run(&mut redis_cli(users.client.namespace(), REDIS.0, &["SET", &format!("key-{n}"), "value"]));
    }
    let counted =
        || -> Vec<f64> { hosts.iter().zip(&before).map(|(host, before)| closed(users, host) - before).collect() };
    // A connection is counted when both ends have closed it.
    eventually(PATIENCE, &format!("connections to {hosts:?}"), || {
        let counted = counted();
        assert!(counted.iter().zip(1..).all(|(found, made)| *found <= f64::from(made)), "{counted:?}: {hosts:?}");
        (counted == [1.0, 2.0, 3.0, 4.0, 5.0]).then_some(())
    });
}

pub(crate) fn long_connection(users: &mut Users) {
    let host = DATABASES[0].0;
    let istio =
        format!(r#"sum(istio_tcp_received_bytes_total{{source_workload="client",destination_service="{host}"}})"#);
    let opened = format!(r#"sum(istio_tcp_connections_opened_total{{destination_service="{host}"}})"#);
    let answered =
        format!(r#"sum(istio_tcp_sent_bytes_total{{source_workload="client",destination_service="{host}"}})"#);
    // What Envoy counts for the cluster, as it flows: `tests/users/dashboards.rs` sees that a panel shows this.
    let live = format!(r#"sum(envoy_cluster_upstream_cx_rx_bytes_total{{cluster_name="outbound|3306||{host}"}})"#);
    users.prometheus.wait_for_a_scrape();
    let value = |expression: &str| users.prometheus.value(expression);
    let before = [&istio, &answered, &live, &opened].map(|expression| value(expression));

    // The server speaks first.
    let address = SocketAddr::from((users.resolve(host), 3306));
    let (mut connection, greeting) = users.client.namespace().inside(|| {
        let mut connection = TcpStream::connect(address).unwrap();
        let mut greeting = [0; 4096];
        let length = connection.read(&mut greeting).unwrap();
        (connection, length as f64)
    });
    users.prometheus.wait_for("the bytes while the connection lasts", &live, |now| now == before[2] + greeting);
    assert_eq!(value(&opened), before[3] + 1.0);
    assert_eq!(value(&answered), before[1], "these are counted when the connection ends");

    connection.shutdown(std::net::Shutdown::Write).unwrap();
    let _ = connection.read_to_end(&mut Vec::new());
    drop(connection);
    users.prometheus.wait_for("the bytes of the whole connection", &answered, |now| now >= before[1] + greeting);
    users.prometheus.wait_for_a_scrape();
    assert_eq!(value(&answered) - before[1], value(&live) - before[2], "once, and as many as there were");
    assert_eq!(value(&istio), before[0], "the client said nothing");
}
