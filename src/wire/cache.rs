//! From recipes to bytes, each built once for all proxies.

use std::any::type_name;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use dashmap::DashMap;
use prost::{Message, Name};

use crate::base::{Digest, ObjectRef, Str};

use super::encoded::{Encoded, field_len, open};
use super::finish::{Finish, Finished};
use super::names::Names;
use super::recipe::{Fragment, Part, Recipe, Refusal, Rope};
use super::schema;

/// Why a recipe gives no resource, and nothing is sent in its place; or, with a place, why a part of what users wrote
/// was left out of one that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// The resource's name, or the fragment's type.
    pub resource: Str,
    /// A sentence for people.
    pub why: String,
    /// Whether the builder itself broke, which is a defect of mizzen and not of the configuration.
    pub defect: bool,
    /// The object and the field that were left out.
    pub place: Option<(ObjectRef, Str)>,
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

    /// The resource of a recipe after something was done to it, built if it is not there; `None` if it is not sent.
    pub fn get_or_finish<R: Recipe>(&self, recipe: &R, finish: &impl Finish) -> Result<Option<Arc<Encoded>>, Failure> {
        let key = Digest::of(&("finished", type_name::<R>(), recipe, finish));
        if let Some(found) = self.resources.get(&key).and_then(|weak| weak.upgrade()) {
            return Ok(Some(self.hit(found, Encoded::delta_len)));
        }
        let name = recipe.name();
        let type_url = R::Message::type_url();
        let build = || finish.finish(&type_url, &name, recipe.build()?.encode_to_vec());
        let Some(Finished { bytes, left_out }) = self.build(&name, build)? else { return Ok(None) };
        let bytes = self.checked(&type_url, &name, bytes)?;
        let id = self.names.intern(&name);
        let built = Arc::new(Encoded::new(name, id, &type_url, &bytes, Vec::new()).without(left_out));
        self.resources.insert(key, Arc::downgrade(&built));
        Ok(Some(built))
    }

    /// Entries that were encoded elsewhere, each with tag and length, made if they are not there.
    pub fn part_of(&self, key: &impl Hash, make: impl FnOnce() -> (Vec<u8>, Vec<Failure>)) -> Arc<Part> {
        let key = Digest::of(&("part", key));
        if let Some(found) = self.parts.get(&key).and_then(|weak| weak.upgrade()) {
            return self.hit(found, |p| p.bytes.len());
        }
        self.stats.misses.fetch_add(1, Ordering::Relaxed);
        let (bytes, left_out) = make();
        let built = Arc::new(Part { digest: Digest::of_bytes(&bytes), bytes: bytes.into(), left_out: left_out.into() });
        self.parts.insert(key, Arc::downgrade(&built));
        built
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
        let built = Arc::new(Part { bytes: out.freeze(), digest, left_out: Box::default() });
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
                let whole = Arc::new(Part { digest: Digest::of_bytes(&bytes), bytes, left_out: Box::default() });
                self.parts.insert(key, Arc::downgrade(&whole));
                whole
            }
        };
        let mut from = 0;
        for part in parts {
            let to = from + part.bytes.len();
            *part =
                Arc::new(Part { bytes: whole.bytes.slice(from..to), digest: part.digest, left_out: Box::default() });
            from = to;
        }
        Some(whole)
    }

    /// A resource whose fragments are already encoded.
    ///
    /// Its own key is that of its bytes: two ropes of the same parts are one resource.
    pub fn rope<M: Message + Name + Default>(&self, rope: Rope<M>) -> Result<Arc<Encoded>, Failure> {
        self.rope_without(rope, Vec::new())
    }

    /// [`Cache::rope`], of which something was left out.
    pub fn rope_without<M: Message + Name + Default>(
        &self,
        rope: Rope<M>,
        left_out: Vec<Failure>,
    ) -> Result<Arc<Encoded>, Failure> {
        let bytes = self.bytes::<M>(&rope.name, &rope.head)?;
        let digests: Vec<Digest> = rope.parts.iter().map(|p| p.digest).collect();
        let key = Digest::of(&(M::NAME, &rope.name, &bytes, digests, &left_out));
        if let Some(found) = self.resources.get(&key).and_then(|weak| weak.upgrade()) {
            return Ok(self.hit(found, Encoded::delta_len));
        }
        let id = self.names.intern(&rope.name);
        let built = Arc::new(Encoded::new(rope.name, id, &M::type_url(), &bytes, rope.parts).without(left_out));
        self.resources.insert(key, Arc::downgrade(&built));
        Ok(built)
    }

    /// How many resources are kept, those that nobody holds any more included until the next sweep.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
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

    fn build<M>(&self, name: &Str, build: impl FnOnce() -> Result<M, Refusal>) -> Result<M, Failure> {
        self.stats.misses.fetch_add(1, Ordering::Relaxed);
        let fail = |why: String, defect| {
            self.stats.failures.fetch_add(1, Ordering::Relaxed);
            Failure { resource: name.clone(), why, defect, place: None }
        };
        match catch_unwind(AssertUnwindSafe(build)) {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(refusal)) => Err(fail(refusal.0, false)),
            Err(_) => Err(fail("the builder of this resource panicked".to_owned(), true)),
        }
    }

    fn bytes<M: Message + Name>(&self, name: &Str, message: &M) -> Result<Vec<u8>, Failure> {
        self.checked(&M::type_url(), name, message.encode_to_vec())
    }

    fn checked(&self, type_url: &str, name: &Str, mut bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
        schema::check(type_url, &mut bytes).map_err(|violation| {
            self.stats.failures.fetch_add(1, Ordering::Relaxed);
            let why = format!("Envoy would refuse it: {} {}", violation.path, violation.why);
            Failure { resource: name.clone(), why, defect: false, place: None }
        })?;
        Ok(bytes)
    }
}
