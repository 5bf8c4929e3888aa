//! When endpoints are taken out for a while.

use serde::{Deserialize, Serialize};

use crate::base::Duration;

/// When endpoints are taken out for a while.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutlierDetection {
    /// Ignored by istiod; replaced by the fields below.
    pub consecutive_errors: i32,
    /// Whether failures to reach an endpoint are counted apart from its answers.
    pub split_external_local_origin_errors: bool,
    /// So many failures to reach it in a row.
    pub consecutive_local_origin_failures: Option<u32>,
    /// So many answers 502, 503 or 504 in a row; 0 switches it off.
    pub consecutive_gateway_errors: Option<u32>,
    /// So many answers 5xx in a row; 0 switches it off.
    #[serde(rename = "consecutive5xxErrors")]
    pub consecutive_5xx_errors: Option<u32>,
    /// How often endpoints are looked at.
    pub interval: Option<Duration>,
    /// How long an endpoint is out, times how often it has been.
    pub base_ejection_time: Option<Duration>,
    /// So many in a hundred may be out; 10 if 0.
    pub max_ejection_percent: i32,
    /// Below so many healthy in a hundred none is taken out.
    pub min_health_percent: i32,
    /// The status codes that count as errors; 5xx if empty.
    pub outlier_detection_http_error_codes: Vec<u32>,
}
