//! Gateways, oldest first.

use crate::api::{Key, Kind, Spec};
use crate::base::{Namespace, Str};
use crate::model::facts::{EdgeGateway, Handle};
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index};

impl Index {
    /// All of them again when one changed: there are few, and their order matters. O(Gateways).
    pub(super) fn derive_gateways(&mut self, dirty: &Dirty, changes: &mut Changes) {
        if !dirty.gateways {
            return;
        }
        let from = Key::new(Kind::Gateway, Namespace::default(), Str::default());
        let mut all: Vec<Handle<EdgeGateway>> = Vec::new();
        for (key, object) in self.objects.range(from..).take_while(|(k, _)| k.kind == Kind::Gateway) {
            if let Spec::Gateway(said) = &object.spec {
                all.push(Handle::new(EdgeGateway::new(&key.name, &key.namespace, object.meta.created, said)));
            }
        }
        all.extend(self.ingresses.gateways.iter().cloned().map(Handle::new));
        all.sort_by(|a, b| (a.created, &a.name, &a.namespace).cmp(&(b.created, &b.name, &b.namespace)));
        let new = Handle::new(all);
        if self.snapshot.gateways != new {
            self.snapshot.gateways = new;
            changes.keys.insert(FactKey::Gateways);
        }
    }
}
