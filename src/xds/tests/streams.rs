//! Streams as they should be.

use super::*;

#[tokio::test]
async fn a_client_is_told_what_is_published_and_what_changes() {
    let plane = Plane::start(&[(Cluster, "a=1 b=1"), (Listener, "l=1"), (Route, "80=1")]).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    assert_eq!(client.next().await, "cds +a=1 +b=1");
    client.ask(Listener, "");
    assert_eq!(client.next().await, "lds +l=1");
    client.ask(Route, "80 ghost");
    assert_eq!(client.next().await, "rds +80=1 -ghost");
    plane.publish(&[(Route, "80=2")]);
    assert_eq!(client.next().await, "rds +80=2");
    plane.publish(&[(Cluster, "a=1")]);
    assert_eq!(client.next().await, "cds -b");
    assert!(plane.numbers.get("queued") >= 2);
    eventually("both revisions are measured", || plane.numbers.get("converged") == 2).await;
    assert_eq!(plane.numbers.get("pushed cds"), 2);
}

#[tokio::test]
async fn the_state_of_the_world_is_served_beside_it() {
    use prost::Message as _;
    let plane = Plane::start(&[(Cluster, "a=1 b=1")]).await;
    let (requests, outgoing) = mpsc::unbounded_channel();
    let mut client = AggregatedDiscoveryServiceClient::new(plane.channel().await);
    let outgoing = UnboundedReceiverStream::new(outgoing);
    let mut responses = client.stream_aggregated_resources(outgoing).await.unwrap().into_inner();
    let first = DiscoveryRequest {
        type_url: Cluster.type_url().into(),
        node: Some(node("router~10.0.0.1~gw.edge~edge.svc.cluster.local")),
        ..Default::default()
    };
    requests.send(first.clone()).unwrap();
    let response = responses.message().await.unwrap().unwrap();
    let names = |r: &[envoy_types::pb::google::protobuf::Any]| -> Vec<String> {
        r.iter().map(|any| Message::decode(&*any.value).unwrap().name).collect()
    };
    assert_eq!(names(&response.resources), ["a", "b"]);
    requests.send(DiscoveryRequest { response_nonce: response.nonce, ..first }).unwrap();
    plane.publish(&[(Cluster, "b=1 c=1")]);
    let response = responses.message().await.unwrap().unwrap();
    assert_eq!(names(&response.resources), ["b", "c", "a"], "what is gone is still there …");
    requests
        .send(DiscoveryRequest {
            response_nonce: response.nonce,
            type_url: Cluster.type_url().into(),
            ..Default::default()
        })
        .unwrap();
    let response = responses.message().await.unwrap().unwrap();
    assert_eq!(names(&response.resources), ["b", "c"], "… until what comes is there");
}

#[tokio::test]
async fn megabytes_arrive_as_they_were() {
    let all: String = (0..3000).map(|i| format!("c{i}={} ", "x".repeat(i))).collect();
    let plane = Plane::start(&[(Cluster, &all)]).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    let response = client.read().await.unwrap();
    assert_eq!(response.resources.len(), 3000);
    let mut expected: Vec<&str> = all.split_whitespace().collect();
    expected.sort_unstable_by_key(|t| t.split('=').next().map(str::to_owned));
    assert_eq!(text(&response).split(" +").skip(1).collect::<Vec<_>>(), expected);
    eventually("it is counted", || plane.numbers.get("bytes cds") > 4_500_000).await;
}

#[tokio::test]
async fn a_connection_can_be_looked_at_while_it_is_open() {
    let plane = Plane::start(&[(Cluster, "a=1"), (Endpoint, "a=1")]).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    assert_eq!(client.next().await, "cds +a=1");
    client.ask(Endpoint, "a ghost");
    let response = client.read().await.unwrap();

    let open = plane.connections.list();
    assert_eq!(open.len(), 1);
    let connection = &open[0];
    assert_eq!(connection.id, "a.shop-1");
    assert_eq!(connection.node.domain(), "shop.svc.cluster.local");
    let acked = || connection.status(Cluster).is_some_and(|s| s.state.nonce_acked == s.state.nonce_sent);
    eventually("clusters are acknowledged", acked).await;
    assert!(connection.status(Listener).is_none());
    let endpoints = connection.status(Endpoint).unwrap();
    assert_eq!(endpoints.state.nonce_sent, response.nonce);
    assert_eq!(endpoints.state.nonce_acked, "");
    assert_eq!(endpoints.state.holds.len(), 1);
    assert_eq!(endpoints.state.interest.known().count(), 1);
    assert_eq!(endpoints.state.interest.unknown().collect::<Vec<_>>(), ["ghost"]);
    assert!(endpoints.sent_at.is_some());

    drop(client);
    eventually("it is gone", || plane.connections.is_empty()).await;
    assert_eq!(plane.mesh.admitted.load(Ordering::SeqCst), 0, "the directory was told");
    assert_eq!((plane.numbers.get("connected "), plane.numbers.get("internal error")), (0, 0));
}

#[tokio::test]
async fn a_client_that_closes_its_half_is_answered_with_the_end() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    client.next().await;
    client.requests = None;
    assert_eq!(client.end().await.code(), Code::Ok);
}

#[tokio::test]
async fn shutting_down_ends_streams_and_connections() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    client.next().await;
    plane.shutdown.cancel();
    assert_eq!(client.end().await.code(), Code::Unavailable);
    drop(client);
    plane.served.await.unwrap();
    assert!(tokio::net::TcpStream::connect(plane.address).await.is_err());
}

#[tokio::test]
async fn a_connection_ends_with_its_age() {
    let transport = Transport { max_age: Some(Duration::from_millis(50)), ..Transport::default() };
    let plane = Plane::with(&[(Cluster, "a=1")], Options::default(), transport).await;
    let mut client = plane.delta().await;
    client.ask(Cluster, "");
    assert_eq!(client.end().await.code(), Code::Unavailable);
}

#[tokio::test]
async fn connections_that_are_shed_end_and_those_that_were_there_longest_go_first() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = plane.delta().await;
        client.ask(Cluster, "");
        client.next().await;
        clients.push(client);
    }
    plane.connections.shed(2);
    assert_eq!(plane.connections.staying(), 1);
    for client in &mut clients[..2] {
        assert_eq!(client.end().await.code(), Code::Unavailable);
    }
    eventually("they are gone", || plane.connections.len() == 1).await;
    plane.publish(&[(Cluster, "a=2")]);
    assert_eq!(clients[2].next().await, "cds +a=2");
}

#[tokio::test]
async fn the_door_is_closed_while_streams_are_still_ending() {
    let all: String = (0..500).map(|i| format!("c{i}={} ", "x".repeat(10_000))).collect();
    let plane = Plane::start(&[(Cluster, &all)]).await;
    let client = plane.delta().await;
    client.ask(Cluster, "");
    eventually("a response is on its way", || plane.connections.len() == 1).await;
    plane.shutdown.cancel();
    eventually("nobody is let in", || std::net::TcpStream::connect(plane.address).is_err()).await;
    assert!(!plane.served.is_finished(), "who does not read is given time to");
    drop(client);
    plane.served.await.unwrap();
}

#[tokio::test]
async fn many_connections_end_one_after_the_other() {
    let plane = Plane::start(&[(Cluster, "a=1")]).await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = plane.delta().await;
        client.ask(Cluster, "");
        client.next().await;
        clients.push(client);
    }
    plane.shutdown.cancel();
    let ends = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            client.end().await;
            tokio::time::Instant::now()
        })
    });
    let mut times = Vec::new();
    for end in ends.collect::<Vec<_>>() {
        times.push(end.await.unwrap());
    }
    let spread = *times.iter().max().unwrap() - *times.iter().min().unwrap();
    assert!(spread > Duration::from_millis(100), "a hundred are spread over a fifth of a second, not {spread:?}");
}

#[tokio::test]
async fn three_hundred_clients_at_once_are_all_served() {
    let options = Options { rate: Rate { per_second: 1000, patience: Duration::from_secs(10) }, ..Options::default() };
    let plane = Plane::with(&[(Cluster, "a=1 b=1")], options, Transport::default()).await;
    let clients: Vec<_> = (0..300)
        .map(|_| {
            let address = plane.address;
            tokio::spawn(async move {
                let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
                let mut client = Client::open(channel).await;
                client.ask(Cluster, "");
                (client.next().await, client)
            })
        })
        .collect();
    let mut open = Vec::new();
    for client in clients {
        let (response, client) = client.await.unwrap();
        assert_eq!(response, "cds +a=1 +b=1");
        open.push(client);
    }
    assert_eq!(plane.connections.len(), 300);
}
