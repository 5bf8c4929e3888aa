//! What about proxies makes a difference: a sum over all rules, services and routes, taken again when one of them changes.

use crate::api::{Key, Kind, Spec};
use crate::base::{Namespace, Str};
use crate::model::facts::{Distinctions, Handle};
use crate::model::snapshot::{Changes, FactKey};

use super::Index;

impl Index {
    /// O(rules + services + routes): a look at a few fields of each.
    pub(super) fn derive_distinctions(&mut self, changes: &mut Changes) {
        let counts = |key: &FactKey| {
            use FactKey::{Mesh, Routes, Rule, Service, WildRoutes, WildRules};
            matches!(key, Mesh | Service(_) | Rule(..) | WildRules(_) | Routes(_) | WildRoutes)
        };
        if !changes.keys.iter().any(counts) {
            return;
        }
        let mut sum = Distinctions::new(&self.snapshot.mesh.clusters);
        self.snapshot.services().for_each(|service| sum.add_service(service));
        self.routes.all().for_each(|routes| sum.add_routes(routes));
        let from = Key::new(Kind::DestinationRule, Namespace::default(), Str::default());
        for (key, object) in self.objects.range(from..).take_while(|(k, _)| k.kind == Kind::DestinationRule) {
            if let Spec::DestinationRule(rule) = &object.spec {
                sum.add_rule(&key.namespace, rule);
            }
        }
        let new = Handle::new(sum);
        if self.snapshot.distinctions != new {
            self.snapshot.distinctions = new;
            changes.keys.insert(FactKey::Distinctions);
        }
    }
}
