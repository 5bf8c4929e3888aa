//! Repeated attempts (istio `pilot/pkg/networking/core/route/retry/retry.go`).

use envoy_types::pb::envoy::config::route::v3::RetryPolicy;
use envoy_types::pb::envoy::config::route::v3::retry_policy::{
    RetryBackOff, RetryHostPredicate, RetryPriority, retry_host_predicate, retry_priority,
};
use envoy_types::pb::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;
use envoy_types::pb::envoy::extensions::retry::priority::previous_priorities::v3::PreviousPrioritiesConfig;

use super::Extensions;
use crate::api::virtual_service::Retry;
use crate::generate::proto::{duration, u32_value};
use crate::wire::any;

/// What counts as a failure where nothing is said.
const DEFAULT_ON: &str = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
const BY_STATUS: &str = "retriable-status-codes";

/// The policy of a route; none where further attempts are switched off. Where calls that are alike must reach one
/// endpoint (`hashed`), attempts do not avoid the endpoint that failed, unless asked to.
pub(super) fn policy(said: Option<&Retry>, hashed: bool, extensions: Extensions) -> Option<RetryPolicy> {
    let mut out = RetryPolicy {
        num_retries: Some(u32_value(2)),
        retry_on: DEFAULT_ON.to_owned(),
        host_selection_retry_max_attempts: 5,
        ..RetryPolicy::default()
    };
    let mut avoids = !hashed;
    if let Some(said) = said {
        let attempts = u32::try_from(said.attempts).ok().filter(|n| *n > 0)?;
        out.num_retries = Some(u32_value(attempts));
        if !said.retry_on.is_empty() {
            (out.retry_on, out.retriable_status_codes) = conditions(&said.retry_on);
        }
        out.per_try_timeout = said.per_try_timeout.map(duration);
        out.retry_back_off =
            said.backoff.map(|pause| RetryBackOff { base_interval: Some(duration(pause)), max_interval: None });
        if said.retry_remote_localities == Some(true) && extensions.previous_priorities {
            out.retry_priority = Some(previous_priorities());
        }
        avoids = said.retry_ignore_previous_hosts.unwrap_or(avoids);
    }
    if avoids && extensions.previous_hosts {
        out.retry_host_predicate = vec![previous_hosts()];
    }
    Some(out)
}

/// How calls in are tried again: what the mesh says of other hosts and of time has no meaning there (istio
/// `pilot/pkg/networking/core/route/retry`, `ConvertInboundPolicy`).
pub(crate) fn inbound(said: Option<&Retry>) -> Option<RetryPolicy> {
    let mut out = RetryPolicy {
        num_retries: Some(u32_value(2)),
        retry_on: "reset-before-request".to_owned(),
        ..RetryPolicy::default()
    };
    if let Some(said) = said {
        out.num_retries = Some(u32_value(u32::try_from(said.attempts).ok().filter(|n| *n > 0)?));
        if !said.retry_on.is_empty() {
            (out.retry_on, out.retriable_status_codes) = conditions(&said.retry_on);
        }
        out.retry_back_off =
            said.backoff.map(|pause| RetryBackOff { base_interval: Some(duration(pause)), max_interval: None });
    }
    Some(out)
}

/// Envoy's conditions and, apart from them, the status codes among them.
fn conditions(text: &str) -> (String, Vec<u32>) {
    let (mut words, mut codes) = (Vec::new(), Vec::new());
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        match part.parse::<u32>().ok().filter(|code| is_status(*code)) {
            Some(code) => codes.push(code),
            None => words.push(part),
        }
    }
    let mut on = words.join(",");
    if !codes.is_empty() && !on.contains(BY_STATUS) {
        on.push(',');
        on.push_str(BY_STATUS);
    }
    (on, codes)
}

/// Whether Go's `net/http` has a text for a status; other numbers are taken for conditions.
fn is_status(code: u32) -> bool {
    matches!(code,
        100..=103 | 200..=208 | 226 | 300..=305 | 307 | 308 | 400..=418 | 421..=426 | 428 | 429 | 431 | 451 | 500..=508 | 510 | 511)
}

fn previous_hosts() -> RetryHostPredicate {
    RetryHostPredicate {
        name: "envoy.retry_host_predicates.previous_hosts".to_owned(),
        config_type: Some(retry_host_predicate::ConfigType::TypedConfig(any(&PreviousHostsPredicate {}))),
    }
}

fn previous_priorities() -> RetryPriority {
    let config = PreviousPrioritiesConfig { update_frequency: 2 };
    RetryPriority {
        name: "envoy.retry_priorities.previous_priorities".to_owned(),
        config_type: Some(retry_priority::ConfigType::TypedConfig(any(&config))),
    }
}
