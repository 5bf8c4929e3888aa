//! From recipes to bytes, each built once for all proxies.

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use dashmap::DashMap;
use prost::{Message, Name};

use crate::base::{Digest, Str};

use super::encoded::{Encoded, field_len, open};
use super::names::Names;
use super::recipe::{Fragment, Part, Recipe, Rope};
use super::schema;

/// Why a recipe gives no resource. Nothing is sent in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource's name, or the fragment's type.
    pub resource: Str,
    /// A sentence for people.
    pub why: String,
    /// Whether the builder itself broke, which is a defect of mizzen and not of the configuration.
    pub defect: bool,
}

/// How often the cache was asked and what it spared.
#[derive(Debug, Default)]
pub struct CacheStats {
    /// Recipes whose bytes were there.
    pub hits: AtomicU64,
    /// Recipes that were built.
    pub misses: AtomicU64,
    /// Bytes that were not built and stored a second time, because of hits.
    pub saved: AtomicU64,
    /// Recipes that gave nothing.
    pub failures: AtomicU64,
}

type Shelf<T> = DashMap<Digest, Weak<T>, rustc_hash::FxBuildHasher>;

/// Finished bytes by recipe. Entries are weak: what no assembly holds any more vanishes.
#[derive(Default)]
pub struct Cache {
    resources: Shelf<Encoded>,
    parts: Shelf<Part>,
    names: Names,
    stats: CacheStats,
    /// How many entries the last sweep left.
    swept: AtomicUsize,
}

impl Cache {
    /// The numbers of resource names.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What the cache did so far.
    pub fn stats(&self) -> &CacheStats {
        &self.stats
    }

    /// The resource of a recipe, built if it is not there.
    ///
    /// A builder that refuses or panics, and a message that Envoy's validation rules refuse, cost this one resource.
    pub fn get_or_build<R: Recipe>(&self, recipe: &R) -> Result<Arc<Encoded>, Failure> {
        let key = Digest::of(&(type_name::<R>(), recipe));
        if let Some(found) = self.resources.get(&key).and_then(|weak| weak.upgrade()) {
            return Ok(self.hit(found, Encoded::delta_len));
        }
        let name = recipe.name();
        let message = self.build(&name, || recipe.build())?;
        let bytes = self.bytes::<R::Message>(&name, &message)?;
        let id = self.names.intern(&name);
        let built = Arc::new(Encoded::new(name, id, &R::Message::type_url(), &bytes, Vec::new()));
        self.resources.insert(key, Arc::downgrade(&built));
        Ok(built)
    }

    /// The bytes of one fragment, built if they are not there.
    pub fn part<F: Fragment>(&self, fragment: &F) -> Result<Arc<Part>, Failure> {
        let key = Digest::of(&(type_name::<F>(), fragment));
        if let Some(found) = self.parts.get(&key).and_then(|weak| weak.upgrade()) {
            return Ok(self.hit(found, |p| p.bytes.len()));
        }
        let name = Str::from(type_name::<F>());
        let message = self.build(&name, || fragment.build())?;
        let bytes = self.bytes::<F::Message>(&name, &message)?;
        let mut out = BytesMut::with_capacity(field_len(F::FIELD, bytes.len()));
        open(&mut out, F::FIELD, bytes.len());
        out.extend_from_slice(&bytes);
        let digest = Digest::of_bytes(&out);
        let built = Arc::new(Part { bytes: out.freeze(), digest });
        self.parts.insert(key, Arc::downgrade(&built));
        Ok(built)
    }

    /// Several fragments in a row as one, so that resources which share them share one slice; none if there are none.
    /// The fragments become slices of it, so that the bytes are there once.
    pub fn joined(&self, parts: &mut [Arc<Part>]) -> Option<Arc<Part>> {
        if let [] | [_] = parts {
            return parts.first().cloned();
        }
        let digests: Vec<Digest> = parts.iter().map(|p| p.digest).collect();
        let key = Digest::of(&("joined", digests));
        let found = self.parts.get(&key).and_then(|weak| weak.upgrade());
        let whole = match found {
            Some(found) => self.hit(found, |p| p.bytes.len()),
            None => {
                let bytes = Bytes::from(parts.iter().map(|p| &p.bytes[..]).collect::<Vec<_>>().concat());
                let whole = Arc::new(Part { digest: Digest::of_bytes(&bytes), bytes });
                self.parts.insert(key, Arc::downgrade(&whole));
                whole
            }
        };
        let mut from = 0;
        for part in parts {
            let to = from + part.bytes.len();
            *part = Arc::new(Part { bytes: whole.bytes.slice(from..to), digest: part.digest });
            from = to;
        }
        Some(whole)
    }

    /// A resource whose fragments are already encoded.
    ///
    /// Its own key is that of its bytes: two ropes of the same parts are one resource.
    pub fn rope<M: Message + Name + Default>(&self, rope: Rope<M>) -> Result<Arc<Encoded>, Failure> {
        let bytes = self.bytes::<M>(&rope.name, &rope.head)?;
        let digests: Vec<Digest> = rope.parts.iter().map(|p| p.digest).collect();
        let key = Digest::of(&(M::NAME, &rope.name, &bytes, digests));
        if let Some(found) = self.resources.get(&key).and_then(|weak| weak.upgrade()) {
            return Ok(self.hit(found, Encoded::delta_len));
        }
        let id = self.names.intern(&rope.name);
        let built = Arc::new(Encoded::new(rope.name, id, &M::type_url(), &bytes, rope.parts));
        self.resources.insert(key, Arc::downgrade(&built));
        Ok(built)
    }

    /// Forgets entries that nobody holds; returns how many resources and fragments are left.
    pub fn sweep(&self) -> (usize, usize) {
        self.resources.retain(|_, weak| weak.strong_count() > 0);
        self.parts.retain(|_, weak| weak.strong_count() > 0);
        (self.resources.len(), self.parts.len())
    }

    /// [`Cache::sweep`] once the entries have doubled since the last time, so that it costs little per entry built.
    pub fn sweep_sometimes(&self) {
        let held = self.resources.len() + self.parts.len();
        if held > 2 * self.swept.load(Ordering::Relaxed) + 1024 {
            let (resources, parts) = self.sweep();
            self.swept.store(resources + parts, Ordering::Relaxed);
        }
    }

    fn hit<T>(&self, found: Arc<T>, len: impl Fn(&T) -> usize) -> Arc<T> {
        self.stats.hits.fetch_add(1, Ordering::Relaxed);
        self.stats.saved.fetch_add(len(&found) as u64, Ordering::Relaxed);
        found
    }

    fn build<M>(&self, name: &Str, build: impl FnOnce() -> Result<M, super::Refusal>) -> Result<M, Failure> {
        self.stats.misses.fetch_add(1, Ordering::Relaxed);
        let fail = |why: String, defect| {
            self.stats.failures.fetch_add(1, Ordering::Relaxed);
            Failure { resource: name.clone(), why, defect }
        };
        match catch_unwind(AssertUnwindSafe(build)) {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(refusal)) => Err(fail(refusal.0, false)),
            Err(_) => Err(fail("the builder of this resource panicked".to_owned(), true)),
        }
    }

    fn bytes<M: Message + Name>(&self, name: &Str, message: &M) -> Result<Vec<u8>, Failure> {
        let mut bytes = message.encode_to_vec();
        schema::check(&M::type_url(), &mut bytes).map_err(|violation| {
            self.stats.failures.fetch_add(1, Ordering::Relaxed);
            let why = format!("Envoy would refuse it: {} {}", violation.path, violation.why);
            Failure { resource: name.clone(), why, defect: false }
        })?;
        Ok(bytes)
    }
}
