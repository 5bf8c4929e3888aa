//! What happens to a message between its builder and its bytes.

use std::hash::Hash;

use crate::base::Str;

use super::cache::Failure;
use super::recipe::Refusal;

/// Something that is done to messages after they were built, whatever built them. Part of the key of what comes out.
pub trait Finish: Hash {
    /// An encoded message as it is sent; `None` where it is not sent at all.
    ///
    /// # Errors
    /// Where the bytes are no message of the type, which would be a defect.
    fn finish(&self, type_url: &str, name: &Str, message: Vec<u8>) -> Result<Option<Finished>, Refusal>;
}

/// A message as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// The encoded message.
    pub bytes: Vec<u8>,
    /// What could not be done to it.
    pub left_out: Vec<Failure>,
}
