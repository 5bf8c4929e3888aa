//! What a route does with a call besides sending it somewhere.

use crate::api::validate::at::At;
use crate::api::validate::header::is_authority;
use crate::api::virtual_service::{
    Abort, AbortError, Body, Cors, Delay, DelayTime, DirectResponse, Fault, HttpMatch, HttpRoute, Redirect,
    RedirectPort, Retry, Rewrite, StringMatch, grpc_status,
};

const METHODS: [&str; 10] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"];

/// Envoy's conditions for repeated attempts, of HTTP and of gRPC.
const RETRY_ON: [&str; 16] = [
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "envoy-ratelimited",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

/// The sizes of fixed answers, in bytes, from which they are a burden and from which they are refused.
const LARGE_BODY: usize = 100 * 1024;
const MAX_BODY: usize = 1024 * 1024;

impl At<'_> {
    /// Cross-origin rules.
    pub(super) fn cors(&self, cors: &Cors) {
        self.field("allowOrigins").each(&cors.allow_origins, |origin, at| match origin {
            StringMatch::Present => at.invalid("must have one of exact, prefix and regex"),
            StringMatch::Exact(exact) => at.field("exact").require(!exact.is_empty(), "must not be empty"),
            other => at.string_match(other),
        });
        self.field("allowMethods").each(&cors.allow_methods, |method, at| {
            let text = format!("must be an HTTP method or *, found {method:?}");
            at.require(METHODS.contains(&method.as_str()), text);
        });
        self.field("allowHeaders").each(&cors.allow_headers, |name, at| at.cors_header(name));
        self.field("exposeHeaders").each(&cors.expose_headers, |name, at| at.cors_header(name));
        self.field("maxAge").duration(cors.max_age);
        let whole = cors.max_age.is_none_or(|age| age.split().1 == 0);
        self.field("maxAge").require(whole, "must be in whole seconds");
    }

    /// Faults to inject.
    pub(super) fn fault(&self, fault: &Fault) {
        self.require(fault.abort.is_some() || fault.delay.is_some(), "must have at least one of abort and delay");
        if let Some(abort) = &fault.abort {
            self.field("abort").abort(abort);
        }
        if let Some(delay) = &fault.delay {
            self.field("delay").delay(delay);
        }
    }

    fn abort(&self, abort: &Abort) {
        self.field("percentage").share(abort.percentage);
        match &abort.error {
            Some(AbortError::HttpStatus(status)) => self.field("httpStatus").http_status(i64::from(*status)),
            Some(AbortError::GrpcStatus(status)) => {
                let text = format!("must be the name of a gRPC status such as UNAVAILABLE, found {status:?}");
                self.field("grpcStatus").require(grpc_status(status).is_some(), text);
            }
            Some(AbortError::Http2Error(_)) => self.field("http2Error").invalid("is not supported"),
            None => self.ineffective("has neither httpStatus nor grpcStatus, so nothing is aborted"),
        }
    }

    fn delay(&self, delay: &Delay) {
        self.field("percentage").share(delay.percentage);
        self.field("percent").percent(delay.percent);
        match delay.time {
            Some(DelayTime::FixedDelay(time)) => self.field("fixedDelay").duration(Some(time)),
            Some(DelayTime::ExponentialDelay(_)) => self.field("exponentialDelay").invalid("is not supported"),
            None => {}
        }
    }

    /// A redirect of calls that match these conditions.
    pub(super) fn redirect(&self, redirect: &Redirect, conditions: &[HttpMatch]) {
        let (path, prefix) = (!redirect.uri.is_empty(), !redirect.prefix_rewrite.is_empty());
        self.require(!(path && prefix), "may have only one of uri and prefixRewrite");
        let by_prefix = |m: &HttpMatch| matches!(m.uri, None | Some(StringMatch::Prefix(_)));
        let text = "needs conditions on the path that are all prefixes";
        self.field("prefixRewrite").require(!prefix || conditions.iter().all(by_prefix), text);
        let other = !redirect.authority.is_empty() || redirect.port.is_some() || !redirect.scheme.is_empty();
        self.require(
            path || prefix || other,
            "must have at least one of uri, prefixRewrite, authority, scheme and port",
        );
        let code = redirect.redirect_code;
        let text = format!("must be a status from 300 to 399, found {code}");
        self.field("redirectCode").require(code == 0 || (300..400).contains(&code), text);
        let known = ["", "http", "https"].contains(&redirect.scheme.as_str());
        self.field("scheme").require(known, format_args!("must be http or https, found {:?}", redirect.scheme));
        if let Some(RedirectPort::Port(port)) = redirect.port {
            self.field("port").optional_port(port);
        }
        for (name, text) in
            [("uri", &redirect.uri), ("prefixRewrite", &redirect.prefix_rewrite), ("authority", &redirect.authority)]
        {
            self.field(name).header_text(text);
        }
    }

    /// A fixed answer.
    pub(super) fn direct_response(&self, response: &DirectResponse) {
        self.field("status").http_status(i64::from(response.status));
        let size = match &response.body {
            None | Some(Body::Empty) => 0,
            Some(Body::String(text)) => text.len(),
            Some(Body::Bytes(bytes)) => bytes.as_slice().len(),
        };
        let body = self.field("body");
        if size > MAX_BODY {
            body.invalid(format_args!("must have at most {MAX_BODY} bytes, found {size}"));
        } else if size > LARGE_BODY {
            body.risky(format_args!("has {size} bytes, which every proxy must keep"));
        }
    }

    /// Repeated attempts.
    pub(in crate::api::validate) fn retries(&self, retries: Option<&Retry>) {
        let Some(retries) = retries else { return };
        self.field("attempts").count(retries.attempts);
        let configured = retries.per_try_timeout.is_some()
            || !retries.retry_on.is_empty()
            || retries.retry_remote_localities.is_some();
        let text = "must be greater than 0 where it is said how to retry";
        self.field("attempts").require(retries.attempts != 0 || !configured, text);
        self.field("perTryTimeout").duration(retries.per_try_timeout);
        self.field("backoff").duration(retries.backoff);
        if retries.retry_on.is_empty() {
            return;
        }
        for condition in retries.retry_on.split(',') {
            let status = condition.parse().is_ok_and(|status: u16| (100..600).contains(&status));
            let text = format!("must be conditions of Envoy or status codes, found {condition:?}");
            self.field("retryOn").require(status || RETRY_ON.contains(&condition), text);
        }
    }

    /// Changes of path and authority.
    pub(super) fn rewrite(&self, rewrite: &Rewrite) {
        let (path, regex) = (!rewrite.uri.is_empty(), rewrite.uri_regex_rewrite.as_ref());
        self.require(!path || regex.is_none(), "may have only one of uri and uriRegexRewrite");
        let any = path || regex.is_some() || !rewrite.authority.is_empty();
        self.require(any, "must have at least one of uri, uriRegexRewrite and authority");
        self.field("uri").header_text(&rewrite.uri);
        self.field("authority").header_text(&rewrite.authority);
        if let Some(regex) = regex {
            let at = self.field("uriRegexRewrite");
            at.field("match").regex(&regex.r#match);
            at.field("rewrite").require(!regex.rewrite.is_empty(), "must not be empty");
            at.field("rewrite").header_text(&regex.rewrite);
        }
    }

    /// The authority comes from the rewrite or from one changed header, not from several.
    pub(super) fn authority_is_set_once(&self, route: &HttpRoute) {
        let rewritten = route.rewrite.as_ref().is_some_and(|r| !r.authority.is_empty());
        let request = route.headers.as_ref().and_then(|h| h.request.as_ref());
        let changes = request.iter().flat_map(|r| r.set.keys().chain(r.add.keys())).filter(|name| is_authority(name));
        self.require(changes.count() + usize::from(rewritten) <= 1, "must not set the authority more than once");
    }
}
