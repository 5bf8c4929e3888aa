//! Lists of values that calls are compared with (istio `pkg/config/security/security.go`).

use crate::api::validate::at::At;
use crate::base::Str;

/// The longest template of a path that Envoy takes, in bytes (`UriTemplateMatchConfig`).
const LONGEST_TEMPLATE: usize = 256;

/// What a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Anything that is not empty.
    Text,
    /// Addresses or ranges.
    Address,
    /// Ports.
    Port,
    /// Paths, perhaps templates of them.
    Path,
    /// Service accounts.
    Account,
    /// Texts with one asterisk at most, at an end.
    Pattern,
    /// Trust domains.
    TrustDomain,
}

impl At<'_> {
    pub(super) fn values(&self, sort: Sort, values: &[Str]) {
        let at_most = sort != Sort::Account || values.len() <= 16;
        self.require(at_most, format_args!("may have at most 16 service accounts, found {}", values.len()));
        self.each(values, |value, at| {
            if value.is_empty() {
                return at.invalid("must not be empty");
            }
            match sort {
                Sort::Text => {}
                Sort::Address => at.subnet(value),
                Sort::Port => {
                    let valid = value.bytes().all(|b| b.is_ascii_digit()) && value.parse::<u16>().is_ok();
                    at.require(valid, format_args!("must be a port, found {value:?}"));
                }
                Sort::Path => at.path_template(value),
                Sort::Account => at.account(value),
                Sort::Pattern => at.outer_wildcard(value),
                Sort::TrustDomain => {
                    at.outer_wildcard(value);
                    at.require(!value.contains('/'), format_args!("must not have a slash, found {value:?}"));
                }
            }
        });
    }

    /// One asterisk at most, at an end.
    fn outer_wildcard(&self, value: &str) {
        let inner = value.strip_prefix('*').or_else(|| value.strip_suffix('*')).unwrap_or(value);
        let text = "may have one asterisk, at its beginning or its end";
        self.require(!inner.contains('*'), format_args!("{text}, found {value:?}"));
    }

    /// `name` or `namespace/name`.
    fn account(&self, value: &str) {
        let parts: Vec<&str> = value.split('/').collect();
        let whole = parts.len() <= 2 && parts.iter().all(|part| !part.is_empty());
        let text = "must be a service account, as name or namespace/name without a wildcard, in at most 320 letters";
        self.require(whole && !value.contains('*') && value.len() <= 320, format_args!("{text}, found {value:?}"));
    }

    /// A path in which segments may be `{*}`, any one, and the last operator `{**}`, any number of them.
    fn path_template(&self, value: &str) {
        let template = value.contains("{*}") || value.contains("{**}");
        let mut rest = false;
        for segment in value.trim_matches('/').split('/') {
            if matches!(segment, "{*}" | "{**}") {
                self.require(!rest, format_args!("must have {{**}} as the last operator, found {value:?}"));
                rest |= segment == "{**}";
            } else if segment.contains(['{', '}']) {
                return self.invalid(format_args!(
                    "may have braces only in segments that are {{*}} or {{**}}, found {value:?}"
                ));
            } else if template && !is_literal(segment) {
                return self.invalid(format_args!(
                    "must have other segments of letters, digits and signs of URLs, found {value:?}"
                ));
            }
        }
        if template {
            // Envoy (1.40) does not refuse such templates, it aborts.
            let fits = value.starts_with('/') && !value.contains("//") && value.len() <= LONGEST_TEMPLATE;
            let text = "must begin with a slash, have no two slashes in a row and at most 256 letters";
            self.require(fits, format_args!("{text}, found {value:?}"));
        }
    }
}

/// RFC 3986's `pchar` without what stands for itself.
fn is_literal(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%!$&'()+,;:@=".contains(&b))
}
