//! One attempt at applying patches, and what to do when Envoy would refuse the result.

use std::cell::RefCell;
use std::collections::BTreeMap;

use prost::{Message, Name};

use crate::api::envoy_filter::{ApplyTo, PatchContext};
use crate::base::{ObjectRef, Str};
use crate::model::facts::{Patch, PatchSet};
use crate::wire::schema::{self, Violation};
use crate::wire::{Failure, Finished};

/// One attempt: which patches it applies, and which of them do not fit.
pub(super) struct Run<'s> {
    pub(super) set: &'s PatchSet,
    context: PatchContext,
    /// By position in the set; all if absent.
    allowed: Option<&'s [bool]>,
    refused: RefCell<Refused>,
}

/// Why patches are left out, by their position in the set.
type Refused = BTreeMap<usize, String>;

impl<'s> Run<'s> {
    pub(super) fn new(set: &'s PatchSet, context: PatchContext, allowed: Option<&'s [bool]>) -> Self {
        Self { set, context, allowed, refused: RefCell::default() }
    }

    /// The patches for a sort of things, in order, with their position.
    pub(super) fn of(&self, apply_to: ApplyTo) -> impl Iterator<Item = (usize, &'s Patch)> + '_ {
        let here = move |p: &Patch| {
            p.apply_to == apply_to && (p.context() == self.context || p.context() == PatchContext::Any)
        };
        let all = self.set.patches.iter().enumerate().map(|(at, p)| (at, &**p));
        all.filter(move |(at, p)| here(p) && self.allowed.is_none_or(|allowed| allowed[*at]))
    }

    /// Whether there are patches for a sort of things.
    pub(super) fn has(&self, apply_to: ApplyTo) -> bool {
        self.of(apply_to).next().is_some()
    }

    /// Where things are that the attempt is about.
    pub(super) fn context(&self) -> PatchContext {
        self.context
    }

    /// Notes that a patch does not fit somewhere.
    pub(super) fn refuse(&self, at: usize, why: impl ToString) {
        self.refused.borrow_mut().entry(at).or_insert_with(|| why.to_string());
    }

    /// What did not fit.
    pub(super) fn into_left_out(self, resource: &Str) -> Vec<Failure> {
        let refused = self.refused.into_inner().into_iter();
        refused.map(|(at, why)| left_out(&self.set.patches[at], resource.clone(), why)).collect()
    }

    /// Notes what did not fit, if something did not.
    pub(super) fn settle(&self, at: usize, outcome: Result<(), String>) {
        if let Err(why) = outcome {
            self.refuse(at, why);
        }
    }
}

/// What an attempt gave.
struct Outcome {
    /// `None` if the thing is taken out.
    bytes: Option<Result<Vec<u8>, Violation>>,
    refused: Refused,
}

/// Applies all patches that can be applied. One after which Envoy would refuse the thing is left out; which of them it
/// is, is found by trying them one after the other, as O(patches) attempts.
pub(super) fn settle<M: Message + Name + Clone>(
    set: &PatchSet,
    context: PatchContext,
    resource: &Str,
    original: &M,
    apply: impl Fn(&Run<'_>, M) -> Option<M>,
) -> Option<Finished> {
    settle_under(set, context, resource, original, apply, |_| Ok(()))
}

/// [`settle`], where Envoy has a further demand.
pub(super) fn settle_under<M: Message + Name + Clone>(
    set: &PatchSet,
    context: PatchContext,
    resource: &Str,
    original: &M,
    apply: impl Fn(&Run<'_>, M) -> Option<M>,
    demand: impl Fn(&M) -> Result<(), Violation>,
) -> Option<Finished> {
    let checked = |message: &M| {
        demand(message)?;
        checked(message)
    };
    let attempt = |allowed: Option<&[bool]>| {
        let run = Run::new(set, context, allowed);
        let bytes = apply(&run, original.clone()).map(|message| checked(&message));
        Outcome { bytes, refused: run.refused.into_inner() }
    };
    let finish = |bytes: Vec<u8>, refused: Refused| {
        let left_out = refused.into_iter().map(|(at, why)| left_out(&set.patches[at], resource.clone(), why)).collect();
        Some(Finished { bytes, left_out })
    };
    let all = attempt(None);
    match all.bytes {
        None => return None,
        Some(Ok(bytes)) => return finish(bytes, all.refused),
        Some(Err(_)) => {}
    }
    let mut allowed = vec![false; set.patches.len()];
    let mut last = attempt(Some(&allowed));
    if matches!(last.bytes, Some(Err(_))) {
        // Not the patches' fault.
        return finish(original.encode_to_vec(), Refused::new());
    }
    let mut refused = Refused::new();
    for at in 0..allowed.len() {
        allowed[at] = true;
        let next = attempt(Some(&allowed));
        if let Some(Err(why)) = &next.bytes {
            refused.insert(at, format!("Envoy would refuse the result: {why}"));
            allowed[at] = false;
        } else {
            last = next;
        }
    }
    refused.extend(last.refused);
    match last.bytes {
        Some(Ok(bytes)) => finish(bytes, refused),
        Some(Err(_)) | None => None,
    }
}

fn checked<M: Message + Name>(message: &M) -> Result<Vec<u8>, Violation> {
    let mut bytes = message.encode_to_vec();
    schema::check(&M::type_url(), &mut bytes)?;
    Ok(bytes)
}

/// Says that a patch is left out of a resource.
pub fn left_out(patch: &Patch, resource: Str, why: String) -> Failure {
    let object = ObjectRef {
        kind: "EnvoyFilter".into(),
        namespace: patch.namespace.str().clone(),
        name: patch.filter.clone(),
        file: None,
    };
    let field = format!("spec.configPatches[{}]", patch.index).into();
    Failure { resource, why, defect: false, place: Some((object, field)) }
}
