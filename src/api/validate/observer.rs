//! Providers of telemetry, and what the mesh config says of logs and traces by itself. What Envoy would refuse, and whole listeners with it, is a warning: `plan::telemetry` goes
//! without.

use std::collections::BTreeMap;

use super::at::At;
use super::format::{is_log_format, is_log_object};
use super::telemetry::is_tag_header;
use crate::api::Json;
use crate::api::mesh::{
    AccessLogEncoding, CustomTag, FileLogFormat, HttpExport, HttpHeader, MeshConfig, Observer, Tracing,
};
use crate::api::report::Report;
use crate::base::{Duration, Str};

/// What becomes of a log in a format that nobody can read.
const OWN_FORMAT: &str = "Istio's own format is used";

/// Reports what is odd in the settings of a provider that sits at `at` of its document.
pub(in crate::api) fn observer(observer: &Observer, at: &str, report: &Report) {
    let at = &At::new(at, report);
    match observer {
        Observer::FileLog(log) => {
            let at = at.field("logFormat");
            match &log.log_format {
                Some(FileLogFormat::Text(text)) => at.field("text").log_text(text),
                Some(FileLogFormat::Labels(labels)) => at.field("labels").log_labels(labels, OWN_FORMAT),
                Some(FileLogFormat::Unset) | None => {}
            }
        }
        Observer::OtelLog(log) => {
            let Some(format) = &log.log_format else { return };
            let at = at.field("logFormat");
            at.field("text").log_text(&format.text);
            at.field("labels").log_labels(&format.labels, "this attribute is left out");
        }
        Observer::Zipkin(zipkin) => {
            at.field("timeout").limit(zipkin.timeout);
            headers(&zipkin.headers, &at.field("headers"));
        }
        Observer::Opentelemetry(otel) => {
            if let Some(http) = &otel.http {
                export(http, &at.field("http"));
            }
            if let Some(grpc) = &otel.grpc {
                let at = at.field("grpc");
                at.field("timeout").limit(grpc.timeout);
                headers(&grpc.initial_metadata, &at.field("initialMetadata"));
            }
            let asked = otel.dynatrace_sampler.as_ref().and_then(|s| s.http_service.as_ref());
            if let Some(http) = asked.and_then(|api| api.http.as_ref()) {
                export(http, &at.field("dynatraceSampler").field("httpService").field("http"));
            }
        }
        Observer::HttpLog(_)
        | Observer::TcpLog(_)
        | Observer::Datadog(_)
        | Observer::Skywalking(_)
        | Observer::Prometheus => {}
    }
}

/// Reports what is odd in the format of the mesh's own log.
pub(super) fn mesh_log(mesh: &MeshConfig, at: &At<'_>) {
    let (format, at) = (&mesh.access_log_format, at.field("accessLogFormat"));
    match mesh.access_log_encoding {
        AccessLogEncoding::Text => at.log_text(format),
        AccessLogEncoding::Json if format.is_empty() => {}
        AccessLogEncoding::Json => match serde_json::from_str(format) {
            Ok(Json::Object(fields)) if is_log_object(&Json::Object(fields.clone())) => {}
            Ok(Json::Object(_)) => {
                at.ineffective(format_args!("holds a text that is none of Envoy's format; {OWN_FORMAT}"))
            }
            Ok(_) | Err(_) => {
                at.ineffective(format_args!("must be a JSON object, as accessLogEncoding is JSON; {OWN_FORMAT}"))
            }
        },
    }
}

/// Reports tags of a proxy's settings that are left out.
pub(super) fn proxy_tags(tracing: &Tracing, at: &At<'_>) {
    at.field("customTags").entries(&tracing.custom_tags, |name, tag, at| {
        let wrong = match tag {
            _ if name.is_empty() => "must have a name",
            CustomTag::Unset => "must have one of literal, environment and header",
            CustomTag::Literal(literal) if literal.value.is_empty() => "must have a value",
            CustomTag::Environment(variable) if variable.name.is_empty() => "must name a variable",
            CustomTag::Header(header) if !is_tag_header(&header.name) => "must name a header",
            CustomTag::Literal(_) | CustomTag::Environment(_) | CustomTag::Header(_) => return,
        };
        at.ineffective(format_args!("{wrong}; this tag is left out"));
    });
}

fn export(http: &HttpExport, at: &At<'_>) {
    at.field("timeout").limit(http.timeout);
    headers(&http.headers, &at.field("headers"));
}

fn headers(list: &[HttpHeader], at: &At<'_>) {
    let broken = |text: &str| text.contains(['\0', '\r', '\n']);
    at.each(list, |header, at| {
        if header.name.is_empty() || broken(&header.name) || broken(&header.text()) {
            at.ineffective("must be a header, in one line; as it is, nothing is traced");
        }
    });
}

impl At<'_> {
    fn log_text(&self, text: &str) {
        if !is_log_format(text) {
            self.ineffective(format_args!(
                "must be a text of Envoy's format, in which a per cent sign is written %%, found {text:?}; {OWN_FORMAT}"
            ));
        }
    }

    fn log_labels(&self, labels: &BTreeMap<Str, Json>, then: &str) {
        self.entries(labels, |_, value, at| {
            if !is_log_object(value) {
                at.ineffective(format_args!("must be a text of Envoy's format, found {value}; {then}"));
            }
        });
    }

    fn limit(&self, timeout: Option<Duration>) {
        if timeout.is_some_and(|t| t < Duration::ZERO) {
            self.ineffective("must not be negative; as it is, nothing is traced");
        }
    }
}
