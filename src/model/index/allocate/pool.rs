//! The ranges that virtual addresses are given from.
//!
//! Both families go together: a slot is the address of that number in each, without the first and the last of a range.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::base::Features;
use crate::model::facts::Allocation;

/// The ranges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    v4: Ipv4Net,
    v6: Ipv6Net,
}

impl Pool {
    pub(super) fn new(features: &Features) -> Self {
        Self { v4: features.allocate_v4, v6: features.allocate_v6 }
    }

    /// How many slots there are, numbered from 1.
    fn slots(self) -> u64 {
        let v4 = (1_u64 << (32 - self.v4.prefix_len())).saturating_sub(2);
        let v6 = (1_u128 << (128 - self.v6.prefix_len()).min(64)).saturating_sub(2);
        v4.min(v6.try_into().unwrap_or(u64::MAX))
    }

    fn slot(self, number: u64) -> Allocation {
        let v4 = Ipv4Addr::from(self.v4.network().to_bits() + number as u32);
        let v6 = Ipv6Addr::from(self.v6.network().to_bits() + u128::from(number));
        Allocation { v4: v4.to_string().into(), v6: v6.to_string().into() }
    }

    /// All slots, from one that follows from a seed.
    pub(super) fn from(self, seed: u32) -> impl Iterator<Item = Allocation> {
        let slots = self.slots();
        (0..slots).map(move |i| self.slot((u64::from(seed) + i) % slots + 1))
    }

    /// Whether it may have given these.
    pub(super) fn has(self, addresses: &Allocation) -> bool {
        let v4 = addresses.v4.parse().is_ok_and(|ip: Ipv4Addr| self.v4.contains(&ip));
        let v6 = addresses.v6.parse().is_ok_and(|ip: Ipv6Addr| self.v6.contains(&ip));
        (v4 || addresses.v4.is_empty()) && (v6 || addresses.v6.is_empty())
    }
}

impl Allocation {
    /// The addresses of a slot of istiod's ranges, from 1 to 65534.
    pub fn of_slot(slot: u16) -> Self {
        Pool { v4: Features::ALLOCATE_V4, v6: Features::ALLOCATE_V6 }.slot(slot.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_family_says_how_many_there_are_and_the_first_and_the_last_are_never_given() {
        let pool = |v4: &str, v6: &str| Pool { v4: v4.parse().unwrap(), v6: v6.parse().unwrap() };
        let all: Vec<_> = pool("10.0.0.0/29", "fd00::/48").from(4).map(|a| format!("{} {}", a.v4, a.v6)).collect();
        let expected = ["10.0.0.5 fd00::5", "10.0.0.6 fd00::6", "10.0.0.1 fd00::1", "10.0.0.2 fd00::2"];
        assert_eq!((all.len(), &all[..4]), (6, &expected.map(str::to_owned)[..]));
        assert_eq!(pool("10.0.0.0/8", "fd00::/126").slots(), 2);
        assert_eq!(pool("0.0.0.0/0", "::/0").slots(), (1 << 32) - 2);
        assert_eq!(pool("10.0.0.0/32", "fd00::/48").from(7).count(), 0);
        assert_eq!(pool("240.240.0.0/16", "2001:2::/48").slots(), 65534, "as istiod has them");
    }
}
