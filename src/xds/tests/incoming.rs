//! Requests are what was sent, however the transport cuts them.

use std::convert::Infallible;

use bytes::Bytes;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use http_body::Frame;
use http_body_util::StreamBody;
use proptest::prelude::*;
use prost::Message;
use tonic::Code;

use crate::xds::Face;
use crate::xds::incoming::Requests;

const MAX: usize = 1000;

fn framed(names: &[String]) -> Vec<u8> {
    let message = DeltaDiscoveryRequest { resource_names_subscribe: names.to_vec(), ..Default::default() };
    let message = message.encode_to_vec();
    let len = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &len, &message].concat()
}

/// What is read of `bytes` that come in pieces of these lengths, over and over.
fn read(bytes: &[u8], pieces: &[usize]) -> (Vec<Vec<String>>, Code) {
    let (mut rest, mut frames) = (bytes, Vec::new());
    for len in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at(rest.len().min(*len));
        frames.push(Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))));
        rest = more;
    }
    let mut requests = Requests::new(Face::Delta, StreamBody::new(tokio_stream::iter(frames)), MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut all = Vec::new();
    loop {
        match runtime.block_on(requests.next()) {
            Ok(Some(request)) => all.push(request.subscribe.iter().map(|n| n.to_string()).collect()),
            Ok(None) => return (all, Code::Ok),
            Err(status) => return (all, status.code()),
        }
    }
}

proptest! {
    #[test]
    fn requests_are_whole_however_they_are_cut(
        requests in prop::collection::vec(prop::collection::vec("[a-z]{0,40}", 0..8), 0..6),
        pieces in prop::collection::vec(1_usize..300, 1..5),
    ) {
        let bytes: Vec<u8> = requests.iter().flat_map(|names| framed(names)).collect();
        prop_assert_eq!(read(&bytes, &pieces), (requests, Code::Ok));
    }
}

#[test]
fn requests_that_break_off_are_compressed_or_too_long_end_the_stream() {
    let whole = framed(&["a".into()]);
    let broken = &[&whole[..], &whole[..6]].concat();
    assert_eq!(read(broken, &[3]), (vec![vec!["a".to_owned()]], Code::Internal));
    assert_eq!(read(&[0, 0], &[1]), (vec![], Code::Internal));
    assert_eq!(read(&[1, 0, 0, 0, 0], &[5]), (vec![], Code::Unimplemented));
    assert_eq!(read(&framed(&["a".repeat(MAX)]), &[64]), (vec![], Code::ResourceExhausted));
}
