//! What filters do with the calls of one route: faults and cross-origin rules.

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::extensions::filters::common::fault::v3::{FaultDelay, fault_delay};
use envoy_types::pb::envoy::extensions::filters::http::cors::v3::CorsPolicy;
use envoy_types::pb::envoy::extensions::filters::http::fault::v3::{FaultAbort, HttpFault, fault_abort};
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::v3::FractionalPercent;
use envoy_types::pb::envoy::r#type::v3::fractional_percent::DenominatorType;

use super::matching;
use crate::api::virtual_service::{
    Abort, AbortError, Cors, Delay, DelayTime, Fault, Percent, StringMatch, UnmatchedPreflights, grpc_status,
};
use crate::base::Str;
use crate::generate::proto::{bool_value, duration};

/// A share of calls, in millionths.
pub(super) fn percent(said: &Percent) -> FractionalPercent {
    let numerator = (said.value.get() * 10_000.0) as u32;
    FractionalPercent { numerator, denominator: DenominatorType::Million.into() }
}

/// A share of calls, in hundredths.
pub(super) fn hundredths(numerator: u32) -> FractionalPercent {
    FractionalPercent { numerator, denominator: DenominatorType::Hundred.into() }
}

/// Faults; none where nothing is said that Envoy can do.
pub(super) fn fault(said: &Fault) -> Option<HttpFault> {
    let delay = said.delay.as_ref().and_then(delay);
    let abort = said.abort.as_ref().and_then(abort);
    if delay.is_none() && abort.is_none() {
        return None;
    }
    Some(HttpFault { delay, abort, ..HttpFault::default() })
}

fn delay(said: &Delay) -> Option<FaultDelay> {
    let Some(DelayTime::FixedDelay(time)) = &said.time else { return None };
    let share = match &said.percentage {
        Some(share) => percent(share),
        None => hundredths(said.percent.try_into().unwrap_or_default()),
    };
    let fixed = fault_delay::FaultDelaySecifier::FixedDelay(duration(*time));
    Some(FaultDelay { percentage: Some(share), fault_delay_secifier: Some(fixed) })
}

fn abort(said: &Abort) -> Option<FaultAbort> {
    let error = match said.error.as_ref()? {
        AbortError::HttpStatus(status) => fault_abort::ErrorType::HttpStatus(u32::try_from(*status).ok()?),
        AbortError::GrpcStatus(name) => fault_abort::ErrorType::GrpcStatus(grpc_status(name).unwrap_or_default()),
        AbortError::Http2Error(_) => return None,
    };
    Some(FaultAbort {
        percentage: said.percentage.as_ref().map(percent),
        error_type: Some(error),
        ..FaultAbort::default()
    })
}

/// Cross-origin rules.
pub(super) fn cors(said: &Cors) -> CorsPolicy {
    let exact = |origin: &Str| matching::string(&StringMatch::Exact(origin.clone()));
    let origins: Vec<StringMatcher> = match said.allow_origins.is_empty() {
        true => said.allow_origin.iter().filter_map(exact).collect(),
        false => said.allow_origins.iter().filter_map(matching::string).collect(),
    };
    CorsPolicy {
        allow_origin_string_match: origins,
        allow_methods: said.allow_methods.join(","),
        allow_headers: said.allow_headers.join(","),
        expose_headers: said.expose_headers.join(","),
        max_age: said.max_age.map(|age| age.split().0.to_string()).unwrap_or_default(),
        allow_credentials: said.allow_credentials.map(bool_value),
        filter_enabled: Some(RuntimeFractionalPercent { default_value: Some(hundredths(100)), ..Default::default() }),
        forward_not_matching_preflights: Some(bool_value(said.unmatched_preflights != UnmatchedPreflights::Ignore)),
        ..CorsPolicy::default()
    }
}
