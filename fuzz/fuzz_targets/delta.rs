//! The protocol of a stream, in either variant: requests as they come from the wire or nearly right, publications,
//! waits given up, in any order.

#![no_main]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use bytes::Buf;
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use mizzen::base::Str;
use mizzen::wire::{Assembly, Cache, Layer, Publication, Recipe, Refusal, ResourceType};
use mizzen::xds::protocol::{Labels, Session};
use mizzen::xds::{Chunks, ErrorDetail, Face, Request, Response, Text, decode};

const NAMES: [&str; 6] = ["a", "b", "c", "a|v2", "80", ""];
/// Besides those, what may be asked for.
const ASKED: [&str; 8] = ["a", "b", "c", "a|v2", "80", "*", "ghost", ""];
/// More than one answer to one input is due for each type at most once, and once more for what is gone.
const RESPONSES: usize = 24;

#[derive(PartialEq, Eq, Hash)]
struct Thing {
    name: &'static str,
    content: u8,
}

impl Recipe for Thing {
    type Message = Cluster;

    fn name(&self) -> Str {
        self.name.into()
    }

    fn build(&self) -> std::result::Result<Cluster, Refusal> {
        Ok(Cluster { name: "any".into(), alt_stat_name: self.content.to_string(), ..Default::default() })
    }
}

static CACHE: LazyLock<Arc<Cache>> = LazyLock::new(Arc::default);

fuzz_target!(|data: &[u8]| {
    // A script that is at its end is not a failure.
    let _ = play(&mut Unstructured::new(data));
});

fn play(script: &mut Unstructured) -> Result<()> {
    let face = if script.arbitrary()? { Face::Delta } else { Face::Sotw };
    let labels = Labels { nonce: "n".into(), version: "v".into() };
    let mut publication = publication(script, 1)?;
    let mut session = Session::new(face, CACHE.clone(), labels, Arc::new(publication.clone()));
    let mut nonces = vec![Str::default()];
    while !script.is_empty() {
        match script.int_in_range(0..=7)? {
            0 => {
                let len = script.int_in_range(0..=script.len().min(200))?;
                if let Ok(request) = decode(face, script.bytes(len)?.to_vec().into())
                    && session.on_request(&request).is_err()
                {
                    return Ok(());
                }
            }
            1..=4 => {
                if session.on_request(&request(script, &nonces)?).is_err() {
                    return Ok(());
                }
            }
            5 | 6 => {
                publication = self::publication(script, publication.revision + 1)?;
                session.on_publication(Arc::new(publication.clone()));
            }
            _ => {
                if let Some(wait) = session.waiting() {
                    session.give_up(wait);
                }
            }
        }
        let mut responses = 0;
        while let Some(response) = session.poll_response() {
            responses += 1;
            assert!(responses <= RESPONSES, "responses without end");
            nonces.push(response.nonce.clone());
            check(response);
        }
    }
    Ok(())
}

fn check(response: Response) {
    let set: BTreeSet<Str> = response.resources.iter().map(|e| e.name().clone()).collect();
    assert_eq!(set.len(), response.resources.len(), "a resource twice");
    assert!(response.removed.iter().all(|name| !set.contains(name)), "set and removed");
    let len = response.encoded_len();
    assert_eq!(Chunks::new(response, len).map(|c| c.remaining()).sum::<usize>(), 5 + len);
}

fn publication(script: &mut Unstructured, revision: u64) -> Result<Publication> {
    let mut assemblies: [Assembly; ResourceType::ALL.len()] = Default::default();
    for assembly in &mut assemblies {
        let (present, contents): (u8, u8) = script.arbitrary()?;
        let things = NAMES.iter().enumerate().filter(|(i, _)| present >> i & 1 == 1);
        let layer: Layer = things
            .filter_map(|(i, name)| CACHE.get_or_build(&Thing { name, content: contents >> i & 1 }).ok())
            .map(|e| (e.name().clone(), e))
            .collect();
        *assembly = Assembly::new([layer]);
    }
    Ok(Publication { revision, assemblies })
}

/// A request that makes sense more often than random bytes do.
fn request(script: &mut Unstructured, nonces: &[Str]) -> Result<Request> {
    let kind = *script.choose(&ResourceType::ALL)?;
    let nonce =
        if script.ratio(3, 4)? { nonces.last().cloned().unwrap_or_default() } else { script.choose(nonces)?.clone() };
    let mut names = || -> Result<Vec<Text>> {
        let mask: u8 = script.arbitrary()?;
        Ok(ASKED.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, name)| Text::from(*name)).collect())
    };
    let (subscribe, unsubscribe, held) = (names()?, names()?, names()?);
    let stated = held.into_iter().map(|name| (name, Text::from("old"))).collect();
    let refused: bool = script.arbitrary()?;
    let error = refused.then(|| ErrorDetail { code: 13, message: "a b c".into() });
    Ok(Request {
        type_url: kind.type_url().into(),
        nonce: (*nonce).into(),
        error,
        subscribe,
        unsubscribe,
        stated,
        node: None,
        len: 0,
    })
}
