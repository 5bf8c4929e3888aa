//! Whose tokens are, remembered for a moment: a browser asks for many things at once, and again every few seconds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::base::Digest;
use crate::source::kube::{Account, TokenError, Tokens};

/// For how long an answer is good; a token that is taken back is good for so long. The API server's own are as old.
const FRESH: Duration = Duration::from_secs(10);
/// How many answers are kept.
const MOST: usize = 1024;

type Said = Result<Account, TokenError>;

pub(super) struct Accounts {
    tokens: Tokens,
    known: Mutex<Known>,
}

/// Answers by the digests of tokens.
#[derive(Default)]
struct Known(BTreeMap<Digest, (Instant, Said)>);

impl Accounts {
    pub(super) fn new(tokens: Tokens) -> Self {
        Self { tokens, known: Mutex::default() }
    }

    /// An audience that tokens may be for.
    pub(super) fn audience(&self) -> String {
        self.tokens.audiences().first().cloned().unwrap_or_default()
    }

    /// Whose a token is.
    pub(super) async fn owner(&self, token: &str) -> Said {
        let digest = Digest::of_bytes(token.as_bytes());
        if let Some(said) = self.known.lock().get(&digest, Instant::now()) {
            return said;
        }
        let asked = Instant::now();
        let said = self.tokens.owner(token).await;
        // What could not be found out is asked again.
        if matches!(said, Ok(_) | Err(TokenError::Refused(_))) {
            self.known.lock().put(digest, asked, said.clone());
        }
        said
    }
}

impl Known {
    fn get(&self, digest: &Digest, now: Instant) -> Option<Said> {
        let (asked, said) = self.0.get(digest)?;
        (now.saturating_duration_since(*asked) < FRESH).then(|| said.clone())
    }

    /// Old ones make room, and then the oldest.
    fn put(&mut self, digest: Digest, asked: Instant, said: Said) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (at, _)| asked.saturating_duration_since(*at) < FRESH);
        }
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (at, _))| *at).map(|(digest, _)| *digest)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(digest, (asked, said));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Digest {
        Digest::of(&number)
    }

    #[test]
    fn an_answer_is_good_for_a_moment_and_only_so_many_are_kept() {
        let said = |name: usize| Ok(Account { namespace: "shop".to_owned(), name: name.to_string() });
        let (mut known, start) = (Known::default(), Instant::now());
        known.put(digest(0), start, said(0));
        assert_eq!(known.get(&digest(0), start + FRESH / 2), Some(said(0)));
        assert_eq!(known.get(&digest(0), start + FRESH), None);
        let at = |i: usize| start + Duration::from_millis(i as u64);
        (1..=MOST).for_each(|i| known.put(digest(i), at(i), said(i)));
        assert_eq!(known.0.len(), MOST);
        assert_eq!(known.get(&digest(0), at(MOST)), None, "the oldest made room");
        assert_eq!(known.get(&digest(1), at(MOST)), Some(said(1)));
        known.put(digest(MOST + 1), start + FRESH * 2, said(0));
        assert_eq!(known.0.len(), 1, "so did all that were too old");
    }
}
