//! What only routes and names ask for.

use crate::base::Host;

use super::View;

impl View<'_> {
    /// Whether a host has any definition at all, visible or not. Not recorded: who asks has read the definitions.
    pub fn is_defined(&self, host: &Host) -> bool {
        self.snapshot.services.contains_key(host)
    }
}
