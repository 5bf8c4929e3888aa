//! HTTP headers: their names, and what is done to them.

use super::at::At;
use super::format::header_format;
use crate::api::virtual_service::{HeaderOperations, Headers};
use crate::base::Labels;

/// The prefix of header names that stand for a claim of the caller's token.
const CLAIM: &str = "@request.auth.claims";

const PSEUDO: [&str; 5] = [":method", ":scheme", ":authority", ":path", ":status"];

/// Whether this names a claim of the caller's token, as `@request.auth.claims.group` or `@request.auth.claims[group]`.
pub(super) fn is_claim(name: &str) -> bool {
    let (Some(prefix), Some(rest)) = (name.get(..CLAIM.len()), name.get(CLAIM.len()..)) else { return false };
    let dotted = rest.starts_with('.') && rest.len() > 1;
    let bracketed = rest.starts_with('[') && rest.ends_with(']') && rest.len() > 2;
    prefix.eq_ignore_ascii_case(CLAIM) && (dotted || bracketed)
}

/// Whether this header is the authority of the call.
pub(super) fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

/// Whether RFC 9110 allows this as the name of a header.
pub(super) fn is_token(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

impl At<'_> {
    /// The name of a header, or `*`.
    pub(super) fn cors_header(&self, name: &str) {
        self.require(is_token(name), format_args!("must be the name of a header, found {name:?}"));
    }

    /// The name of a header, a pseudo header, or a claim.
    pub(super) fn matched_header(&self, name: &str) {
        let valid = is_claim(name) || PSEUDO.contains(&name) || is_token(name);
        self.require(valid, "must be named as headers are");
    }

    /// Text that goes into a header as it is: no line breaks, or Envoy refuses it.
    pub(super) fn header_text(&self, text: &str) {
        self.require(!text.contains(['\0', '\r', '\n']), "must not contain line breaks");
    }

    /// Changes of headers.
    pub(super) fn headers(&self, headers: Option<&Headers>) {
        let Some(headers) = headers else { return };
        for (name, operations, authority) in
            [("request", &headers.request, Authority::MayBeSet), ("response", &headers.response, Authority::IsFixed)]
        {
            if let Some(operations) = operations {
                self.field(name).header_operations(operations, authority);
            }
        }
    }

    fn header_operations(&self, operations: &HeaderOperations, authority: Authority) {
        self.field("add").new_values(&operations.add, authority);
        self.field("set").new_values(&operations.set, authority);
        self.field("remove").each(&operations.remove, |name, at| at.changed_header(name, Authority::IsFixed));
    }

    fn new_values(&self, values: &Labels, authority: Authority) {
        self.entries(values, |name, value, at| {
            at.changed_header(name, authority);
            if let Err(problem) = header_format(value) {
                at.invalid(format_args!("must be a value of Envoy's header format, found {value:?}: {problem}"));
            }
        });
    }

    fn changed_header(&self, name: &str, authority: Authority) {
        if is_authority(name) {
            self.require(authority == Authority::MayBeSet, "must not change the authority of the call");
        } else if name.starts_with(':') {
            self.invalid("must not change a pseudo header");
        } else {
            self.require(!name.is_empty(), "must be the name of a header");
            self.header_text(name);
        }
    }
}

/// Whether the authority of a call may be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Authority {
    MayBeSet,
    IsFixed,
}

#[cfg(test)]
mod tests {
    use super::is_claim;

    #[test]
    fn claims_are_told_from_headers() {
        assert!(is_claim("@request.auth.claims.group"));
        assert!(is_claim("@request.auth.claims[a][b]"));
        assert!(!is_claim("@request.auth.claims"));
        assert!(!is_claim("x-claims.group"));
    }
}
