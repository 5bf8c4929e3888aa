//! Anything as a document of a user: a finding perhaps, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(data) {
        let decoded = mizzen::api::decode(value, None);
        if let Some(object) = decoded.object {
            let _ = object.to_json();
        }
    }
});
