//! mizzen.
fn main() {}
