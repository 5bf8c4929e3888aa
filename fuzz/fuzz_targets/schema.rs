//! Anything as an encoded cluster, listener or route: refused perhaps, never a panic.
#![no_main]

use mizzen::wire::{ResourceType, schema};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for kind in ResourceType::ALL {
        let _ = schema::check(kind.type_url(), &mut data.to_vec());
    }
});
