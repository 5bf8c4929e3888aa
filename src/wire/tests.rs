//! What `wire` promises.

use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryResponse, DiscoveryResponse};
use prost::Message;

use super::*;
use crate::base::Str;

#[derive(PartialEq, Eq, Hash)]
struct Plain {
    name: &'static str,
    alt: &'static str,
}

impl Recipe for Plain {
    type Message = Cluster;

    fn name(&self) -> Str {
        self.name.into()
    }

    fn build(&self) -> Result<Cluster, Refusal> {
        match self.alt {
            "refused" => Err(Refusal("no".into())),
            "broken" => panic!("a defect"),
            alt => Ok(Cluster { name: self.name.into(), alt_stat_name: alt.into(), ..Default::default() }),
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Host(&'static str);

impl Fragment for Host {
    type Message = VirtualHost;
    const FIELD: u32 = 2;

    fn build(&self) -> Result<VirtualHost, Refusal> {
        Ok(VirtualHost { name: self.0.into(), domains: vec![self.0.into()], ..Default::default() })
    }
}

/// The entry of an incremental response, and that of a state-of-the-world response.
fn entries(encoded: &Encoded) -> [Vec<u8>; 2] {
    let (head, any) = encoded.entry();
    [&head[..], &head[any..]].map(|head| {
        let parts = encoded.parts().iter().flat_map(|p| p.bytes().to_vec());
        head.iter().copied().chain(parts).collect()
    })
}

fn layer(cache: &Cache, recipes: &[Plain]) -> Layer {
    recipes
        .iter()
        .map(|r| {
            let e = cache.get_or_build(r).unwrap();
            (e.name().clone(), e)
        })
        .collect()
}

#[test]
fn one_buffer_serves_both_protocol_variants() {
    let cache = Cache::default();
    let encoded = cache.get_or_build(&Plain { name: "a", alt: "x" }).unwrap();

    let [incremental, whole] = entries(&encoded);
    let delta = DeltaDiscoveryResponse::decode(&incremental[..]).unwrap();
    let sotw = DiscoveryResponse::decode(&whole[..]).unwrap();

    assert_eq!(delta.resources[0].name, "a");
    assert_eq!(delta.resources[0].version, encoded.version().to_string());
    assert_eq!(delta.resources[0].resource.as_ref(), Some(&sotw.resources[0]));
    assert_eq!(Cluster::decode(&encoded.message()[..]).unwrap().alt_stat_name, "x");
    assert_eq!(incremental.len(), encoded.delta_len());
    assert_eq!(whole.len(), encoded.sotw_len());
}

#[test]
fn equal_recipes_share_their_bytes_and_unused_ones_vanish() {
    let cache = Cache::default();
    let first = cache.get_or_build(&Plain { name: "a", alt: "x" }).unwrap();
    let second = cache.get_or_build(&Plain { name: "a", alt: "x" }).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    drop((first, second));
    assert_eq!(cache.sweep(), (0, 0));
}

#[test]
fn a_rope_is_the_message_with_its_fragments_in_order() {
    let cache = Cache::default();
    let parts = ["a", "b"].map(|h| cache.part(&Host(h)).unwrap()).to_vec();
    let head = RouteConfiguration { name: "80".into(), ..Default::default() };
    let rope = cache.rope(Rope { name: "80".into(), head, parts }).unwrap();
    let message = RouteConfiguration::decode(&rope.message()[..]).unwrap();
    assert_eq!(message.virtual_hosts.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let delta = DeltaDiscoveryResponse::decode(&entries(&rope)[0][..]).unwrap();
    assert_eq!(delta.resources[0].resource.as_ref().unwrap().value, message.encode_to_vec());
}

#[test]
fn a_builder_that_refuses_or_panics_costs_one_resource() {
    let cache = Cache::default();
    assert!(!cache.get_or_build(&Plain { name: "a", alt: "refused" }).unwrap_err().defect);
    assert!(cache.get_or_build(&Plain { name: "a", alt: "broken" }).unwrap_err().defect);
    assert!(cache.get_or_build(&Plain { name: "b", alt: "" }).is_ok());
}

#[test]
fn a_diff_holds_exactly_what_changed() {
    let cache = Cache::default();
    let old =
        layer(&cache, &[Plain { name: "a", alt: "" }, Plain { name: "b", alt: "" }, Plain { name: "c", alt: "" }]);
    let mut new = old.clone();
    new.remove("a");
    let changed = cache.get_or_build(&Plain { name: "b", alt: "x" }).unwrap();
    new.insert("b".into(), changed);
    let change = Assembly::new([new]).diff(&Assembly::new([old.clone()]));
    assert_eq!(change.set.iter().map(|e| e.name().as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(change.removed.iter().map(|e| e.name().as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(Assembly::new([old.clone()]).same(&Assembly::new([old])));
}

#[test]
fn a_name_that_moves_to_another_layer_is_not_removed() {
    let cache = Cache::default();
    let one = layer(&cache, &[Plain { name: "a", alt: "" }]);
    let old = Assembly::new([one.clone(), Layer::new()]);
    let new = Assembly::new([Layer::new(), one]);
    assert!(new.diff(&old).removed.is_empty());
}

#[test]
fn a_version_is_22_characters_and_knows_itself() {
    let cache = Cache::default();
    let v = cache.get_or_build(&Plain { name: "a", alt: "" }).unwrap().version();
    assert_eq!(v.to_string().len(), 22);
    assert!(v.is(&v.to_string()) && !v.is(""));
}

#[test]
fn a_layer_is_listed_once_for_all_copies_until_one_changes() {
    let cache = Cache::default();
    let names = |layer: &Layer| layer.listing().resources.iter().map(|e| e.name().to_string()).collect::<Vec<_>>();
    let old = layer(&cache, &[Plain { name: "a", alt: "" }, Plain { name: "b", alt: "" }]);
    let (copy, mut new, mut other) = (old.clone(), old.clone(), old.clone());
    new.remove("a");
    assert_eq!((names(&new), names(&old)), (vec!["b".to_owned()], vec!["a".to_owned(), "b".to_owned()]));
    assert!(Arc::ptr_eq(&old.listing().resources, &copy.listing().resources));
    let changed = cache.get_or_build(&Plain { name: "c", alt: "" }).unwrap();
    other.insert("c".into(), changed.clone());
    assert_eq!((names(&other), names(&old)), (vec!["a".into(), "b".into(), "c".into()], vec!["a".into(), "b".into()]));
    assert!(other.listing().ids.contains(changed.id().0) && !old.listing().ids.contains(changed.id().0));
    other.remove("b");
    assert_eq!(names(&other), ["a", "c"], "a list of its own is made anew");
}
