//! Protocols of bytes that a proxy reads along, where a port says that they are spoken.

use envoy_types::pb::envoy::extensions::filters::network::mongo_proxy::v3::MongoProxy;
use envoy_types::pb::envoy::extensions::filters::network::redis_proxy::v3::RedisProxy;
use prost::Name;

use crate::base::Features;
use crate::generate::filter::Protocol as Read;
use crate::model::facts::Protocol;
use crate::proto::envoy::extensions::filters::network::mysql_proxy::v3::MySqlProxy;
use crate::proxy::Capabilities;

/// Those of a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::plan) struct Reads {
    mongo: bool,
    redis: bool,
    mysql: bool,
}

impl Reads {
    /// Those that are switched on and for which the proxy has the filter.
    pub(super) fn new(features: &Features, capabilities: &Capabilities) -> Self {
        Self {
            mongo: features.mongo_filter && capabilities.has(&MongoProxy::full_name()),
            redis: features.redis_filter && capabilities.has(&RedisProxy::full_name()),
            mysql: features.mysql_filter && capabilities.has(&MySqlProxy::full_name()),
        }
    }

    /// What is read of this protocol.
    pub(in crate::plan) fn of(self, protocol: Protocol) -> Option<Read> {
        match protocol {
            Protocol::Mongo => self.mongo.then_some(Read::Mongo),
            Protocol::Redis => self.redis.then_some(Read::Redis),
            Protocol::MySql => self.mysql.then_some(Read::MySql),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_on_is_read_by_who_has_the_filter() {
        let all = [Protocol::Mongo, Protocol::Redis, Protocol::MySql, Protocol::Tcp];
        let stock = |filters: &[String]| Capabilities::new(filters.iter().map(String::as_str).collect(), false);
        let redis = stock(&[RedisProxy::full_name()]);
        let on = Features { redis_filter: true, mysql_filter: true, ..Features::default() };
        let read =
            |features: &Features, capabilities: &Capabilities| all.map(|p| Reads::new(features, capabilities).of(p));
        assert_eq!(read(&Features::default(), &Capabilities::Istio), [Some(Read::Mongo), None, None, None]);
        assert_eq!(read(&Features::default(), &redis), [None; 4]);
        assert_eq!(read(&on, &Capabilities::Istio), [Some(Read::Mongo), Some(Read::Redis), Some(Read::MySql), None]);
        assert_eq!(read(&on, &redis), [None, Some(Read::Redis), None, None]);
        assert_eq!(read(&on, &stock(&[MySqlProxy::full_name()])), [None, None, Some(Read::MySql), None]);
    }
}
