//! The order of map entries.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The same message written with its maps in another order: the parts, each a message of the same type, in the
/// order given.
fn concatenated(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn equal_messages_become_equal_bytes() {
    let part = |key: &str| encoded(STRUCT, json!({ key: { "nested": key } }));
    let (a, b, c) = (part("a"), part("b"), part("c-is-longer"));
    let mut one = concatenated(&[&a, &b, &c]);
    let mut other = concatenated(&[&c, &a, &b]);
    assert_ne!(one, other);
    check(STRUCT, &mut one).unwrap();
    check(STRUCT, &mut other).unwrap();
    assert_eq!(one, other);
    assert_eq!(one, concatenated(&[&a, &b, &c]), "by key");
}

/// A field of a message: number and content, preceded by its length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
    bytes.extend_from_slice(content);
    bytes
}

#[test]
fn maps_inside_maps_and_inside_any_are_ordered_too() {
    let inner = |order: [&str; 2]| {
        let parts = order.map(|key| encoded(STRUCT, json!({ key: 1 })));
        let unordered = concatenated(&[&parts[0], &parts[1]]);
        // Value.struct_value, an entry of Struct.fields under "k", an `Any` of that.
        let entry = [field(1, b"k"), field(2, &field(5, &unordered))].concat();
        let any = [field(1, STRUCT.as_bytes()), field(2, &field(1, &entry))].concat();
        let metadata = [field(1, b"m"), field(2, &any)].concat();
        field(2, &metadata)
    };
    let (mut one, mut other) = (inner(["x", "y"]), inner(["y", "x"]));
    assert_ne!(one, other);
    let metadata = "type.googleapis.com/envoy.config.core.v3.Metadata";
    check(metadata, &mut one).unwrap();
    check(metadata, &mut other).unwrap();
    assert_eq!(one, other);
}

#[test]
fn an_entry_without_a_key_comes_first_and_other_fields_stay_in_place() {
    let entry = |content: &[u8]| field(1, content);
    let (named, unnamed) = (entry(&field(1, b"a")), entry(&[]));
    let mut bytes = concatenated(&[&named, &unnamed]);
    check(STRUCT, &mut bytes).unwrap();
    assert_eq!(bytes, concatenated(&[&unnamed, &named]));

    // Two maps side by side, with an unknown field between.
    let metadata = "type.googleapis.com/envoy.config.core.v3.Metadata";
    let keyed = |map: u8, key: &[u8]| field(map, &field(1, key));
    let parts = [keyed(1, b"b"), keyed(1, b"a"), field(9, b"?"), keyed(2, b"d"), keyed(2, b"c")];
    let mut bytes = parts.concat();
    check(metadata, &mut bytes).unwrap();
    let ordered = [&parts[1], &parts[0], &parts[2], &parts[4], &parts[3]];
    assert_eq!(bytes, ordered.map(|part| &part[..]).concat());
}

proptest! {
    #[test]
    fn any_order_of_entries_comes_out_the_same(entries in prop::collection::btree_map(".{0,6}", ".{0,200}", 0..20),
                                               seed in any::<u64>()) {
        let mut parts: Vec<Vec<u8>> = entries.iter().map(|(key, value)| encoded(STRUCT, json!({ key: value }))).collect();
        let ordered = parts.concat();
        for i in (1..parts.len()).rev() {
            parts.swap(i, (seed.rotate_left(i as u32) % (i as u64 + 1)) as usize);
        }
        let mut bytes = parts.concat();
        check(STRUCT, &mut bytes).unwrap();
        prop_assert_eq!(bytes, ordered);
    }
}
