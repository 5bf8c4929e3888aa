//! Limits of connections, and when endpoints are taken out.

use crate::api::destination_rule::{
    ConnectionPool, H2UpgradePolicy, HttpPool, OutlierDetection, TcpKeepalive, TcpPool,
};
use crate::api::validate::at::At;
use crate::base::Duration;

impl At<'_> {
    /// Limits of connections and requests.
    pub(in crate::api::validate) fn connection_pool(&self, pool: Option<&ConnectionPool>) {
        let Some(pool) = pool else { return };
        self.require(pool.tcp.is_some() || pool.http.is_some(), "must have at least one of tcp and http");
        if let Some(tcp) = &pool.tcp {
            self.field("tcp").tcp_pool(tcp);
        }
        if let Some(http) = &pool.http {
            self.field("http").http_pool(http);
        }
    }

    fn tcp_pool(&self, tcp: &TcpPool) {
        self.field("maxConnections").count(tcp.max_connections);
        self.field("connectTimeout").duration(tcp.connect_timeout);
        self.field("maxConnectionDuration").duration(tcp.max_connection_duration);
        // Zero means no timeout here.
        self.field("idleTimeout").duration(tcp.idle_timeout.filter(|t| *t != Duration::ZERO));
        self.field("tcpKeepalive").tcp_keepalive(tcp.tcp_keepalive);
    }

    /// Keepalive of sockets.
    pub(in crate::api::validate) fn tcp_keepalive(&self, keepalive: Option<TcpKeepalive>) {
        if let Some(keepalive) = keepalive {
            self.field("time").duration(keepalive.time);
            self.field("interval").duration(keepalive.interval);
        }
    }

    fn http_pool(&self, http: &HttpPool) {
        for (name, number) in [
            ("http1MaxPendingRequests", http.http1_max_pending_requests),
            ("http2MaxRequests", http.http2_max_requests),
            ("maxRequestsPerConnection", http.max_requests_per_connection),
            ("maxRetries", http.max_retries),
            ("maxConcurrentStreams", http.max_concurrent_streams),
        ] {
            self.field(name).count(number);
        }
        self.field("idleTimeout").duration(http.idle_timeout);
        let upgrades = http.h2_upgrade_policy == H2UpgradePolicy::Upgrade;
        let text = "must not be true where h2UpgradePolicy is UPGRADE";
        self.field("useClientProtocol").require(!(upgrades && http.use_client_protocol), text);
        if let Some(keepalive) = http.http2_keep_alive {
            let at = self.field("http2KeepAlive");
            for (name, duration) in [("interval", keepalive.interval), ("timeout", keepalive.timeout)] {
                at.field(name).require(duration.is_some(), "must be set");
                at.field(name).duration(duration);
            }
        }
    }

    /// When endpoints are taken out for a while.
    pub(in crate::api::validate) fn outlier_detection(&self, outlier: Option<&OutlierDetection>) {
        let Some(outlier) = outlier else { return };
        self.field("baseEjectionTime").duration(outlier.base_ejection_time);
        self.field("interval").duration(outlier.interval);
        self.field("maxEjectionPercent").percent(outlier.max_ejection_percent);
        self.field("minHealthPercent").percent(outlier.min_health_percent);
        if outlier.consecutive_errors != 0 {
            let text = "is ignored; consecutiveGatewayErrors or consecutive5xxErrors is meant";
            self.field("consecutiveErrors").deprecated(text);
        }
        let counted = outlier.consecutive_local_origin_failures.is_some_and(|n| n > 0);
        self.field("consecutiveLocalOriginFailures").require(
            !counted || outlier.split_external_local_origin_errors,
            "counts only with splitExternalLocalOriginErrors",
        );
        self.field("outlierDetectionHttpErrorCodes").each(&outlier.outlier_detection_http_error_codes, |code, at| {
            at.require((100..600).contains(code), format_args!("must be an HTTP status from 100 to 599, found {code}"));
        });
    }
}
