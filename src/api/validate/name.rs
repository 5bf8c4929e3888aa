//! Names of hosts, addresses, paths.

use std::net::IpAddr;

use ipnet::IpNet;

use super::at::At;

/// Whether this is a DNS label (RFC 1123) of either case: letters, digits and inner hyphens, at most 63 of them.
pub(super) fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    label.len() <= 63
        && label.bytes().all(inner)
        && !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether this is `*`, or a DNS label that may begin with `*` or `*-`.
fn is_wildcard_label(label: &str) -> bool {
    let Some(rest) = label.strip_prefix('*') else { return is_label(label) };
    label.len() <= 63 && (rest.is_empty() || is_label(rest.strip_prefix('-').unwrap_or(rest)))
}

/// What is wrong with a DNS name of which the first label satisfies `first`; a dot at its end is allowed.
fn problem(name: &str, first: fn(&str) -> bool) -> Option<String> {
    if name.is_empty() {
        return Some("must not be empty".into());
    }
    if name.len() > 255 {
        return Some(format!("must have at most 255 letters, found {}", name.len()));
    }
    let rest = name.strip_suffix('.').filter(|rest| !rest.is_empty()).unwrap_or(name);
    let wrong = rest.split('.').enumerate().find(|(i, label)| !(if *i == 0 { first(label) } else { is_label(label) }));
    if let Some((_, label)) = wrong {
        return Some(format!("must be a DNS name, found {name:?}, whose part {label:?} is none"));
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    numeric.then(|| format!("must be a DNS name, found {name:?}, which ends in a number"))
}

/// Whether this is a full DNS name or a short one, without wildcard.
pub(super) fn is_fqdn(name: &str) -> bool {
    problem(name, is_label).is_none()
}

/// Whether this is an IP address.
pub(super) fn is_ip(address: &str) -> bool {
    address.parse::<IpAddr>().is_ok()
}

impl At<'_> {
    /// A DNS label, as the names of ports and subsets are.
    pub(super) fn label(&self, label: &str) {
        self.require(
            is_label(label),
            format_args!("must be made of letters, digits and inner hyphens, at most 63, found {label:?}"),
        );
    }

    /// A DNS name without wildcard.
    pub(super) fn fqdn(&self, name: &str) {
        problem(name, is_label).into_iter().for_each(|text| self.invalid(text));
    }

    /// A DNS name or an IP address.
    pub(super) fn fqdn_or_ip(&self, name: &str) {
        if !is_ip(name) {
            problem(name, is_label)
                .into_iter()
                .for_each(|text| self.invalid(text.replace("a DNS name", "a DNS name or an IP address")));
        }
    }

    /// A DNS name that may begin with a wildcard.
    pub(super) fn wildcard(&self, name: &str) {
        // A single label may end in a number: it is a short name, not a domain.
        let check = if name.contains('.') { problem(name, is_wildcard_label) } else { short(name) };
        check.into_iter().for_each(|text| self.invalid(text));
    }

    /// An IP address.
    pub(super) fn ip(&self, address: &str) {
        self.require(is_ip(address), format_args!("must be an IP address, found {address:?}"));
    }

    /// An IP address or a CIDR range.
    pub(super) fn subnet(&self, subnet: &str) {
        let valid = if subnet.contains('/') { subnet.parse::<IpNet>().is_ok() } else { is_ip(subnet) };
        self.require(valid, format_args!("must be an IP address or a range such as 10.1.0.0/16, found {subnet:?}"));
    }

    /// The path of a Unix socket, or the name of an abstract one.
    pub(super) fn socket_path(&self, path: &str) {
        let valid = path.starts_with('@') || (path.starts_with('/') && !path.ends_with('/'));
        self.require(valid, format_args!("must be the absolute path of a socket after unix://, found {path:?}"));
    }
}

/// What is wrong with a short name, which may be a wildcard.
fn short(name: &str) -> Option<String> {
    match name {
        "" => Some("must not be empty".into()),
        _ if is_wildcard_label(name) => None,
        _ => Some(format!("must be a DNS name, found {name:?}")),
    }
}
