//! The listener at which an Envoy that is not Istio's answers DNS; beside Istio's an agent does.
//!
//! Envoy's filter answers "no such name" where a name has no address of the family that is asked for, and programs
//! built on musl then give the name up. So a name that has only IPv4 addresses gets them in IPv6's notation as well.

use std::net::{IpAddr, Ipv4Addr};

use envoy_types::pb::envoy::config::core::v3::socket_address::{PortSpecifier, Protocol};
use envoy_types::pb::envoy::config::core::v3::{
    Address, DnsResolverOptions, SocketAddress, TypedExtensionConfig, address::Address as AddressKind,
};
use envoy_types::pb::envoy::config::listener::v3::listener_filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Listener, ListenerFilter};
use envoy_types::pb::envoy::data::dns::v3::DnsTable;
use envoy_types::pb::envoy::data::dns::v3::dns_table::dns_endpoint::EndpointConfig;
use envoy_types::pb::envoy::data::dns::v3::dns_table::{AddressList, DnsEndpoint, DnsVirtualDomain};
use envoy_types::pb::envoy::extensions::filters::udp::dns_filter::v3::DnsFilterConfig;
use envoy_types::pb::envoy::extensions::filters::udp::dns_filter::v3::dns_filter_config::server_context_config::ConfigSource;
use envoy_types::pb::envoy::extensions::filters::udp::dns_filter::v3::dns_filter_config::{
    ClientContextConfig, ServerContextConfig,
};
use envoy_types::pb::envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;
use prost::Name;

use crate::base::{Duration, Str};
use crate::generate::proto;
use crate::wire::{Recipe, Refusal, any};

/// The listener that answers DNS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameServer {
    /// Where it is asked.
    pub address: (Str, u16),
    /// What it knows: names, each with addresses of both families. Of more than eight Envoy answers with eight, from
    /// one picked at random on.
    pub names: Vec<(Str, Vec<IpAddr>)>,
    /// Who is asked for other names. Without any, those of the machine.
    pub resolvers: Vec<(Str, u16)>,
}

impl NameServer {
    /// The types that an Envoy must have for it.
    pub fn extensions() -> [String; 2] {
        [DnsFilterConfig::full_name(), CaresDnsResolverConfig::full_name()]
    }
}

impl Recipe for NameServer {
    type Message = Listener;

    fn name(&self) -> Str {
        "dns".into()
    }

    fn build(&self) -> Result<Listener, Refusal> {
        let names = self.names.iter().filter(|(name, addresses)| is_valid(name) && !addresses.is_empty());
        let table = DnsTable {
            external_retry_count: 1,
            virtual_domains: names.map(|(name, addresses)| domain(name, addresses)).collect(),
            ..DnsTable::default()
        };
        let filter = DnsFilterConfig {
            stat_prefix: "mesh".to_owned(),
            server_config: Some(ServerContextConfig { config_source: Some(ConfigSource::InlineDnsTable(table)) }),
            client_config: Some(self.others()),
            case_insensitive: true,
            ..DnsFilterConfig::default()
        };
        Ok(Listener {
            name: self.name().to_string(),
            address: Some(datagrams(&self.address)),
            listener_filters: vec![ListenerFilter {
                name: "envoy.filters.udp.dns_filter".to_owned(),
                config_type: Some(ConfigType::TypedConfig(any(&filter))),
                ..ListenerFilter::default()
            }],
            ..Listener::default()
        })
    }
}

impl NameServer {
    /// How other names are resolved. Envoy's own search for them under domains of the machine would answer for names
    /// that were not asked for.
    fn others(&self) -> ClientContextConfig {
        let resolver = CaresDnsResolverConfig {
            resolvers: self.resolvers.iter().map(|(host, port)| proto::socket_address(host, *port)).collect(),
            dns_resolver_options: Some(DnsResolverOptions {
                no_default_search_domain: true,
                ..DnsResolverOptions::default()
            }),
            ..CaresDnsResolverConfig::default()
        };
        ClientContextConfig {
            resolver_timeout: Some(proto::duration(Duration::from_secs(2))),
            max_pending_lookups: 256,
            typed_dns_resolver_config: Some(TypedExtensionConfig {
                name: "envoy.network.dns_resolver.cares".to_owned(),
                typed_config: Some(any(&resolver)),
            }),
            ..ClientContextConfig::default()
        }
    }
}

fn domain(name: &str, addresses: &[IpAddr]) -> DnsVirtualDomain {
    let mapped = |v4: &Ipv4Addr| IpAddr::from(v4.to_ipv6_mapped());
    let v4 = addresses.iter().filter_map(|a| if let IpAddr::V4(v4) = a { Some(v4) } else { None });
    let only_v4 = addresses.iter().all(IpAddr::is_ipv4);
    let more: Vec<IpAddr> = if only_v4 { v4.map(mapped).collect() } else { Vec::new() };
    let list = AddressList { address: addresses.iter().chain(&more).map(ToString::to_string).collect() };
    DnsVirtualDomain {
        name: name.to_owned(),
        endpoint: Some(DnsEndpoint { endpoint_config: Some(EndpointConfig::AddressList(list)) }),
        answer_ttl: Some(proto::duration(Duration::from_secs(30))),
    }
}

/// Whether Envoy takes it: for one name that it does not, it would refuse all.
fn is_valid(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"*.-_".contains(&b))
}

fn datagrams((host, port): &(Str, u16)) -> Address {
    let socket = SocketAddress {
        protocol: Protocol::Udp.into(),
        address: host.to_string(),
        port_specifier: Some(PortSpecifier::PortValue((*port).into())),
        ..SocketAddress::default()
    };
    Address { address: Some(AddressKind::SocketAddress(socket)) }
}
