//! Placeholder replaced by the schema branch.
/// What is wrong, and where.
#[derive(Debug)]
pub struct Violation {
    /// Path.
    pub path: String,
    /// Why.
    pub why: String,
}
/// Checks.
pub fn check(_type_url: &str, _bytes: &mut [u8]) -> Result<(), Violation> {
    Ok(())
}
