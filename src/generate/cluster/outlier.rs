//! When endpoints are taken out for a while.

use envoy_types::pb::envoy::config::cluster::v3::OutlierDetection as EnvoyOutlierDetection;
use envoy_types::pb::envoy::config::common::matcher::v3::match_predicate::{MatchSet, Rule};
use envoy_types::pb::envoy::config::common::matcher::v3::{HttpHeadersMatch, MatchPredicate};
use envoy_types::pb::envoy::config::route::v3::HeaderMatcher;
use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::OutlierDetection as HttpOutlierDetection;
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::v3::Percent;
use envoy_types::pb::google::protobuf::UInt32Value;

use crate::api::destination_rule::OutlierDetection;
use crate::generate::proto::{duration, u32_value};

use super::draft::Draft;

/// Sets outlier detection. `unready` says that endpoints which are not ready are among those that count; then Envoy
/// must not fall back to them in a panic, however few are left.
pub(super) fn set(draft: &mut Draft, outlier: &OutlierDetection, unready: bool) {
    draft.cluster.outlier_detection = Some(detection(outlier));
    if outlier.min_health_percent >= 0 {
        let least = if unready { 0.0 } else { f64::from(outlier.min_health_percent) };
        draft.common_lb().healthy_panic_threshold = Some(Percent { value: least });
    }
    if !outlier.outlier_detection_http_error_codes.is_empty() {
        let error_matcher = Some(any_status(&outlier.outlier_detection_http_error_codes));
        draft.http().outlier_detection = Some(HttpOutlierDetection { error_matcher });
    }
}

/// By errors in a row alone: detection by success rate, Envoy's default, is switched off.
fn detection(outlier: &OutlierDetection) -> EnvoyOutlierDetection {
    let enforced = |errors: Option<u32>| errors.map(|n| u32_value(if n > 0 { 100 } else { 0 }));
    let mut out = EnvoyOutlierDetection {
        enforcing_success_rate: Some(u32_value(0)),
        consecutive_5xx: outlier.consecutive_5xx_errors.map(u32_value),
        enforcing_consecutive_5xx: enforced(outlier.consecutive_5xx_errors),
        consecutive_gateway_failure: outlier.consecutive_gateway_errors.map(u32_value),
        enforcing_consecutive_gateway_failure: enforced(outlier.consecutive_gateway_errors),
        interval: outlier.interval.map(duration),
        base_ejection_time: outlier.base_ejection_time.map(duration),
        max_ejection_percent: percent(outlier.max_ejection_percent),
        ..Default::default()
    };
    if outlier.split_external_local_origin_errors {
        out.split_external_local_origin_errors = true;
        out.enforcing_local_origin_success_rate = Some(u32_value(0));
        if let Some(failures) = outlier.consecutive_local_origin_failures.filter(|n| *n > 0) {
            out.consecutive_local_origin_failure = Some(u32_value(failures));
            out.enforcing_consecutive_local_origin_failure = Some(u32_value(100));
        }
    }
    out
}

fn percent(said: i32) -> Option<UInt32Value> {
    u32::try_from(said).ok().filter(|n| *n > 0).map(u32_value)
}

/// Any of these status codes, and no other, is an error.
fn any_status(codes: &[u32]) -> MatchPredicate {
    let rule = |code: &u32| {
        let exact = StringMatcher { match_pattern: Some(MatchPattern::Exact(code.to_string())), ..Default::default() };
        let header = HeaderMatcher {
            name: ":status".to_owned(),
            header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(exact)),
            ..Default::default()
        };
        let headers = HttpHeadersMatch { headers: vec![header] };
        MatchPredicate { rule: Some(Rule::HttpResponseHeadersMatch(headers)) }
    };
    match codes {
        [one] => rule(one),
        many => MatchPredicate { rule: Some(Rule::OrMatch(MatchSet { rules: many.iter().map(rule).collect() })) },
    }
}
