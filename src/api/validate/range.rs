//! Numbers and spans of time.

use super::at::At;
use crate::api::virtual_service::{Percent, PortSelector};
use crate::base::{Double, Duration};

impl At<'_> {
    /// A port number.
    pub(super) fn port(&self, port: u32) {
        self.require((1..=65535).contains(&port), format_args!("must be a port from 1 to 65535, found {port}"));
    }

    /// A port number, 0 for none.
    pub(super) fn optional_port(&self, port: u32) {
        if port != 0 {
            self.port(port);
        }
    }

    /// A port by number.
    pub(super) fn port_selector(&self, port: Option<PortSelector>) {
        if let Some(port) = port {
            self.field("number").port(port.number);
        }
    }

    /// A span of at least a millisecond, in whole milliseconds (CRDs and istiod's `ValidateDuration`).
    pub(super) fn duration(&self, duration: Option<Duration>) {
        let Some(duration) = duration else { return };
        if duration < Duration::from_millis(1) {
            self.invalid(format_args!("must be at least 1ms, found {duration}"));
        } else if duration.nanos() % 1_000_000 != 0 {
            self.invalid(format_args!("must be in whole milliseconds, found {duration}"));
        }
    }

    /// A span that is not negative.
    pub(super) fn span(&self, duration: Option<Duration>) {
        if let Some(duration) = duration {
            self.require(duration >= Duration::ZERO, format_args!("must not be negative, found {duration}"));
        }
    }

    /// A number that is not negative.
    pub(super) fn count(&self, number: i32) {
        self.require(number >= 0, format_args!("must not be negative, found {number}"));
    }

    /// A whole percentage.
    pub(super) fn percent(&self, percent: i32) {
        self.require((0..=100).contains(&percent), format_args!("must be from 0 to 100, found {percent}"));
    }

    /// A percentage with fractions.
    pub(super) fn percentage(&self, percent: Option<Double>) {
        if let Some(percent) = percent {
            let percent = percent.get();
            self.require((0.0..=100.0).contains(&percent), format_args!("must be from 0 to 100, found {percent}"));
        }
    }

    /// A percentage of calls; Envoy counts in millionths, so that smaller shares would be none.
    pub(super) fn share(&self, percent: Option<Percent>) {
        let at = self.field("value");
        let value = percent.map(|p| p.value);
        at.percentage(value);
        if value.is_some_and(|v| v.get() > 0.0 && v.get() < 0.0001) {
            at.invalid("must be 0 or at least 0.0001");
        }
    }

    /// An HTTP status that a proxy may answer with.
    pub(super) fn http_status(&self, status: i64) {
        self.require(
            (200..600).contains(&status),
            format_args!("must be an HTTP status from 200 to 599, found {status}"),
        );
    }
}
