//! Requests, nodes and chunks as bytes.

use std::io::IoSlice;

use ::bytes::{Buf, Bytes};
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryResponse;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value, value::Kind};
use envoy_types::pb::google::rpc;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::xds::body::Chunks;
use crate::xds::response::Response;

fn texts(list: &[Text]) -> Vec<&str> {
    list.iter().map(|t| &**t).collect()
}

#[test]
fn an_incremental_request_is_read_as_it_was_written() {
    let request = DeltaDiscoveryRequest {
        node: Some(node("x")),
        type_url: "t".into(),
        resource_names_subscribe: vec!["a".into(), "b".into()],
        resource_names_unsubscribe: vec!["c".into()],
        initial_resource_versions: [("d".to_owned(), "1".to_owned()), ("e".to_owned(), String::new())].into(),
        response_nonce: "n".into(),
        error_detail: Some(rpc::Status { code: 3, message: "why".into(), details: vec![Default::default()] }),
        ..Default::default()
    };
    let mut read = decode(Face::Delta, request.encode_to_vec().into()).unwrap();
    assert_eq!((&*read.type_url, &*read.nonce), ("t", "n"));
    assert_eq!((texts(&read.subscribe), texts(&read.unsubscribe)), (vec!["a", "b"], vec!["c"]));
    read.stated.sort();
    assert_eq!(read.stated, [("d".into(), "1".into()), ("e".into(), "".into())]);
    assert_eq!(read.error, Some(ErrorDetail { code: 3, message: "why".into() }));
    assert_eq!(read.node.unwrap(), node("x").encode_to_vec());
}

#[test]
fn a_request_for_the_state_of_the_world_is_read_as_it_was_written() {
    let request = DiscoveryRequest {
        version_info: "7".into(),
        node: Some(node("x")),
        type_url: "t".into(),
        resource_names: vec!["a".into()],
        response_nonce: "n".into(),
        error_detail: Some(rpc::Status { code: -1, ..Default::default() }),
        ..Default::default()
    };
    let read = decode(Face::Sotw, request.encode_to_vec().into()).unwrap();
    assert_eq!((&*read.type_url, &*read.nonce, texts(&read.subscribe)), ("t", "n", vec!["a"]));
    assert_eq!(read.error.unwrap().code, -1);
    assert!(read.node.is_some());
}

#[test]
fn names_share_the_buffer_of_their_request() {
    let bytes = Bytes::from(asking(Cluster, "a-name-of-some-length").encode_to_vec());
    let range = bytes.as_ptr_range();
    let request = decode(Face::Delta, bytes).unwrap();
    assert!(range.contains(&request.subscribe[0].as_ptr()));
}

proptest! {
    #[test]
    fn no_bytes_break_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for face in [Face::Delta, Face::Sotw] {
            let _ = decode(face, bytes.clone().into());
        }
        let _ = Node::decode(Some(bytes.into()));
    }

    #[test]
    fn whatever_the_official_decoder_reads_is_read_alike(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(official) = DeltaDiscoveryRequest::decode(&*bytes) {
            let read = decode(Face::Delta, bytes.into()).unwrap();
            prop_assert_eq!(&*read.type_url, official.type_url.as_str());
            prop_assert_eq!(&*read.nonce, official.response_nonce.as_str());
            prop_assert_eq!(texts(&read.subscribe), official.resource_names_subscribe);
        }
    }

    #[test]
    fn chunks_are_the_response_however_they_are_taken(
        lens in prop::collection::vec(prop_oneof![0_usize..2_000, 0_usize..90_000], 0..12),
        step in 5_000_usize..100_000,
        face in prop_oneof![Just(Face::Delta), Just(Face::Sotw)],
    ) {
        let response = response(face, &lens);
        let len = response.encoded_len();
        let mut read = Vec::new();
        let mut left = 5 + len;
        for mut chunk in Chunks::new(response, len) {
            prop_assert_eq!(chunk.remaining(), left.min(32 * 1024), "full frames but for the last");
            left -= chunk.remaining();
            while chunk.has_remaining() {
                let mut io = [IoSlice::new(&[]); 4];
                let filled = chunk.chunks_vectored(&mut io);
                prop_assert_eq!(&*io[0], chunk.chunk());
                let seen: Vec<u8> = io[..filled].iter().flat_map(|s| s.to_vec()).collect();
                let taken = seen.len().min(step);
                read.extend_from_slice(&seen[..taken]);
                chunk.advance(taken);
            }
        }
        prop_assert_eq!(&read[..5], &[&[0][..], &u32::try_from(len).unwrap().to_be_bytes()].concat());
        prop_assert_eq!(read.len(), 5 + len);
        let values: Vec<Vec<u8>> = match face {
            Face::Delta => {
                let read = DeltaDiscoveryResponse::decode(&read[5..]).unwrap();
                read.resources.into_iter().map(|r| r.resource.unwrap().value).collect()
            }
            Face::Sotw => {
                let read = DiscoveryResponse::decode(&read[5..]).unwrap();
                read.resources.into_iter().map(|r| r.value).collect()
            }
        };
        let read: Vec<usize> = values.iter().map(|v| Message::decode(&**v).unwrap().alt_stat_name.len()).collect();
        prop_assert_eq!(read, lens);
    }
}

/// A response with resources of about these lengths.
fn response(face: Face, lens: &[usize]) -> Response {
    let cache = Cache::default();
    let thing = |(i, len): (usize, &usize)| {
        let thing = Thing { name: format!("r{i}"), content: "x".repeat(*len) };
        cache.get_or_build(&thing).unwrap()
    };
    let resources = lens.iter().enumerate().map(thing).collect();
    let (nonce, version) = (Str::from("n"), Str::from("v"));
    Response { face, kind: Cluster, nonce, version, resources, removed: Vec::new(), forms: Vec::new() }
}

#[test]
fn large_slices_are_not_copied_and_small_ones_are_joined() {
    let response = response(Face::Delta, &[100, 20_000, 100]);
    let (large, len) = (response.resources.get(1).unwrap().clone(), response.encoded_len());
    let chunk = Chunks::new(response, len).next().unwrap();
    let mut io = [IoSlice::new(&[]); 8];
    assert_eq!(chunk.chunks_vectored(&mut io), 3);
    assert_eq!(io[1].as_ptr(), large.entry().0.as_ptr());
}

#[test]
fn a_node_is_read_with_what_tells_proxies_apart() {
    let kind = |kind| Value { kind: Some(kind) };
    let text = |s: &str| kind(Kind::StringValue(s.into()));
    let fields = [
        ("ISTIO_VERSION".to_owned(), text("1.32.0")),
        ("STATUS_PORT".to_owned(), kind(Kind::NumberValue(15020.0))),
        ("RATIO".to_owned(), kind(Kind::NumberValue(0.5))),
        ("NAN".to_owned(), kind(Kind::NumberValue(f64::NAN))),
        ("LIST".to_owned(), kind(Kind::ListValue(ListValue { values: vec![kind(Kind::BoolValue(true))] }))),
        ("LABELS".to_owned(), kind(Kind::StructValue(Struct { fields: [("app".to_owned(), text("a"))].into() }))),
    ];
    let version = envoy_types::pb::envoy::r#type::v3::SemanticVersion { major_number: 1, minor_number: 40, patch: 2 };
    let message = core::Node {
        metadata: Some(Struct { fields: fields.into() }),
        locality: Some(core::Locality { region: "r".into(), zone: "z".into(), sub_zone: "s".into() }),
        user_agent_name: "envoy".into(),
        user_agent_version_type: Some(core::node::UserAgentVersionType::UserAgentBuildVersion(core::BuildVersion {
            version: Some(version),
            metadata: None,
        })),
        extensions: vec![
            core::Extension { name: "a".into(), type_urls: vec!["a.A".into(), "a.B".into()], ..Default::default() },
            core::Extension { name: "old".into(), ..Default::default() },
            core::Extension { name: "off".into(), disabled: true, ..Default::default() },
        ],
        ..node("sidecar~10.0.0.1~a.shop~shop.svc.cluster.local")
    };
    let node = Node::decode(Some(message.encode_to_vec().into())).unwrap();
    assert_eq!((node.id.kind(), node.id.address(), node.id.proxy()), ("sidecar", "10.0.0.1", "a.shop"));
    assert_eq!(node.locality.to_string(), "r/z/s");
    assert_eq!((node.user_agent.as_str(), node.version), ("envoy", Some((1, 40, 2))));
    assert_eq!(node.extensions.iter().collect::<Vec<_>>(), ["a.A", "a.B", "old"]);
    let expected = serde_json::json!({
        "ISTIO_VERSION": "1.32.0", "STATUS_PORT": 15020, "RATIO": 0.5, "NAN": null, "LIST": [true],
        "LABELS": {"app": "a"},
    });
    assert_eq!(serde_json::Value::Object((*node.metadata).clone()), expected);
}
