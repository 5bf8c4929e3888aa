//! Clients that do not behave, and those that have nothing to do with it.

use super::*;

/// A client beside the bad one is served.
async fn others_are_served(plane: &Plane) {
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    assert!(client.next().await.starts_with("cds +"));
}

#[tokio::test]
async fn a_client_without_a_node_is_told_so() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    for bad in [None, Some(node(""))] {
        let mut client = plane.delta().await;
        client.send(DeltaDiscoveryRequest { node: bad, ..asking(Cluster, "") });
        let status = client.end().await;
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "missing node information"));
    }
    let mut client = plane.delta().await;
    client.send(DeltaDiscoveryRequest { node: Some(node("envoy-1")), ..asking(Cluster, "") });
    let status = client.end().await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("\"envoy-1\" does not have the four parts"), "{}", status.message());
    others_are_served(&plane).await;
}

#[tokio::test]
async fn a_client_that_may_not_come_in_is_told_why_and_not_listed() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let mut client = plane.delta().await;
    client.send(DeltaDiscoveryRequest { node: Some(node("ztunnel~10.0.0.1~z.s~s")), ..asking(Cluster, "") });
    assert_eq!(client.end().await.code(), Code::PermissionDenied);
    assert!(plane.connections.is_empty());
}

#[tokio::test]
async fn health_reports_may_come_first_and_are_not_answered() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let mut client = plane.delta().await;
    let type_url = "type.googleapis.com/istio.v1.HealthInformation".to_owned();
    let health = DeltaDiscoveryRequest { type_url, ..Default::default() };
    client.send(health.clone());
    client.ask(Cluster, "");
    client.send(health);
    assert_eq!(client.next().await, "cds +a=1");
}

#[tokio::test]
async fn the_node_is_needed_once() {
    let plane = Plane::start(&[(Cluster, "a=1"), (Listener, "l=1")]).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    client.next().await;
    client.send(DeltaDiscoveryRequest { node: None, ..asking(Listener, "") });
    assert_eq!(client.next().await, "lds +l=1");
}

#[tokio::test]
async fn garbage_ends_the_stream_that_it_came_on() {
    use http_body_util::{BodyExt, Full};
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let stream = tokio::net::TcpStream::connect(plane.address).await.unwrap();
    let (mut send, connection) = hyper::client::conn::http2::handshake(
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(stream),
    )
    .await
    .unwrap();
    tokio::spawn(connection);
    let call = |path: &str, body: Vec<u8>| {
        let request = http::Request::post(format!("http://plane/{path}")).header("content-type", "application/grpc");
        let response = send.send_request(request.body(Full::new(::bytes::Bytes::from(body))).unwrap());
        async move {
            let response = response.await.unwrap();
            let headers = response.headers().clone();
            let collected = response.into_body().collect().await.unwrap();
            let status = Status::from_header_map(collected.trailers().unwrap_or(&headers)).unwrap();
            (status.code(), status.message().to_owned())
        }
    };
    let ads = "envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
    let framed = |bytes: &[u8]| [&[0, 0, 0, 0, bytes.len() as u8][..], bytes].concat();
    let mut call = call;
    for garbage in [&[0xff; 20][..], &[0x12, 0x05, b'a'], &[0x12, 0x02, 0xff, 0xfe]] {
        let (code, message) = call(ads, framed(garbage)).await;
        assert_eq!(code, Code::InvalidArgument);
        assert!(message.starts_with("not a discovery request: "), "{message}");
    }
    assert_eq!(call(ads, vec![9, 9, 9]).await.0, Code::Internal, "not even a frame of gRPC");
    assert_eq!(
        call(ads, vec![0, 0xff, 0xff, 0xff, 0xff]).await.0,
        Code::ResourceExhausted,
        "a request of four gigabytes"
    );
    assert_eq!(call("some.Service/Method", vec![]).await.0, Code::Unimplemented);
    assert!(plane.numbers.get("internal error") >= 5);
    others_are_served(&plane).await;
}

#[tokio::test]
async fn a_connection_that_is_not_http_2_is_closed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let mut stream = tokio::net::TcpStream::connect(plane.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: plane\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    others_are_served(&plane).await;
}

#[tokio::test]
async fn a_client_whose_connection_breaks_has_left() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let (near, far) = tokio::io::duplex(64 * 1024);
    let address = plane.address;
    let wire = tokio::spawn(async move {
        let mut far = far;
        let mut plane = tokio::net::TcpStream::connect(address).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut far, &mut plane).await;
    });
    let mut near = Some(hyper_util::rt::TokioIo::new(near));
    let connector = tower::service_fn(move |_: http::Uri| {
        let near = near.take();
        async move { near.ok_or_else(|| std::io::Error::other("once")) }
    });
    let channel = Channel::from_static("http://plane").connect_with_connector(connector).await.unwrap();
    let mut client = Client::open(channel).await;
    client.ask(Cluster, "");
    client.next().await;
    wire.abort();
    eventually("it is forgotten", || plane.connections.is_empty()).await;
    assert_eq!(plane.numbers.get("internal error"), 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_holds_nothing_up() {
    let all: String = (0..500).map(|i| format!("c{i}={} ", "x".repeat(10_000))).collect();
    let options = Options { write_timeout: Duration::from_millis(200), rate: Rate::fixed(0), ..Options::default() };
    let plane = Plane::with(&[(Cluster, &all)], options, Transport::default()).await;
    let client = plane.delta().await;
    client.ask(Cluster, "");
    eventually("it is cut off", || plane.numbers.get("write timeout") == 1).await;
    assert_eq!(plane.numbers.get("pushed cds"), 0);
    eventually("it is forgotten", || plane.connections.is_empty()).await;
    others_are_served(&plane).await;
}

#[tokio::test]
async fn requests_are_heard_while_a_response_is_not_read() {
    let all: String = (0..500).map(|i| format!("c{i}={} ", "x".repeat(10_000))).collect();
    let plane = Plane::start(&[(Cluster, &all), (Endpoint, "c1=1")]).await;
    let client = plane.delta().await;
    client.ask(Cluster, "");
    for i in 0..200 {
        client.ask(Endpoint, &format!("c1 {}", format!("name-{i} ").repeat(500)));
    }
    let heard = || {
        let open = plane.connections.list();
        open.first().and_then(|c| c.status(Endpoint)).is_some_and(|s| s.state.interest.unknown().count() == 200)
    };
    eventually("all names are known", heard).await;
}

#[tokio::test]
async fn a_client_that_never_answers_clusters_gets_the_rest_after_a_while() {
    let options = Options { patience: Duration::from_millis(50), rate: Rate::fixed(0), ..Options::default() };
    let plane = Plane::with(&[(Cluster, "a=1"), (Route, "80=1")], options, Transport::default()).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    client.next().await;
    client.ask(Route, "80");
    client.next().await;
    plane.publish(&[(Cluster, "a=1 b=1"), (Route, "80=b")]);
    assert_eq!(text(&client.read().await.unwrap()), "cds +b=1");
    assert_eq!(client.next().await, "rds +80=b");
}

#[tokio::test]
async fn a_refusal_is_counted_and_shown() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    let response = client.read().await.unwrap();
    let mut refusal = DeltaDiscoveryRequest { response_nonce: response.nonce, ..asking(Cluster, "") };
    refusal.error_detail =
        Some(envoy_types::pb::google::rpc::Status { code: 13, message: "cluster a: no".into(), details: vec![] });
    client.send(refusal);
    eventually("it is counted", || plane.numbers.get("rejected cds a.shop Internal") == 1).await;
    let status = plane.connections.list()[0].status(Cluster).unwrap();
    let rejection = status.state.rejection.unwrap();
    assert_eq!((rejection.message.as_str(), rejection.names.as_slice()), ("cluster a: no", &[Str::from("a")][..]));
    client.send(DeltaDiscoveryRequest { response_nonce: "stale".into(), ..asking(Cluster, "") });
    eventually("a stale nonce is counted", || plane.numbers.get("expired cds") == 1).await;
}

#[tokio::test]
async fn streams_for_which_the_line_is_too_long_are_turned_away() {
    let options = Options { rate: Rate { per_second: 1, patience: Duration::ZERO }, ..Options::default() };
    let plane = Plane::with(&[(Cluster, "a=1")], options, Transport::default()).await;
    let mut first = plane.delta().await;
    first.ask(Cluster, "");
    first.next().await;
    let mut second = plane.delta().await;
    second.ask(Cluster, "");
    assert_eq!(second.end().await.code(), Code::ResourceExhausted);
}

#[test]
fn turns_come_at_an_even_pace_and_a_long_line_is_closed() {
    let limiter = super::limit::Limiter::new(Rate { per_second: 10, patience: Duration::from_millis(250) });
    let begin = tokio::time::Instant::now();
    let turn = |now: u64| limiter.book(begin + Duration::from_millis(now)).map(|t| (t - begin).as_millis());
    assert_eq!([turn(0), turn(0), turn(0), turn(0)], [Some(0), Some(100), Some(200), None]);
    assert_eq!([turn(60), turn(60)], [Some(300), None]);
    assert_eq!([turn(5000), turn(5000)], [Some(5000), Some(5100)], "turns that nobody took are not saved up");
    assert!(limiter.book(begin).is_none());
    assert!(super::limit::Limiter::new(Rate::fixed(0)).book(begin).is_some());
}
