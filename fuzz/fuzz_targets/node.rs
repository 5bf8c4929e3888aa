//! Anything as the Node of a proxy.
#![no_main]

use mizzen::base::Locality;
use mizzen::proxy::Proxy;

libfuzzer_sys::fuzz_target!(|data: (&str, &str)| {
    let (id, metadata) = data;
    let metadata = serde_json::from_str(metadata).unwrap_or_default();
    if let Ok(proxy) = Proxy::new(id, "", Locality::default(), &metadata, Default::default()) {
        let _ = (proxy.families(), proxy.version(), proxy.captures_dns(), proxy.resolve("a"));
    }
});
