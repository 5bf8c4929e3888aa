//! Takes a lock, works while it holds it, and gives it back.

use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;
use kube::Error;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::elector::{Elector, Look, Record};
use super::lock::Lock;
use super::rights::Right;
use super::server::Server;
use super::{Observer, Options, Standing, Standings, revision};

/// One that would like to write.
pub(super) struct Candidate {
    lock: Lock,
    elector: Elector,
    server: Server,
    standings: Standings,
    observer: Arc<dyn Observer>,
    elect: bool,
    ttl: Duration,
}

/// What came of an attempt.
enum Outcome {
    Leads,
    Held(Record),
}

impl Candidate {
    pub(super) fn new(
        lock: Lock,
        server: Server,
        options: &Options,
        standings: Standings,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let elector = Elector::new(&options.pod, &options.revision, options.ttl);
        Self { lock, elector, server, standings, observer, elect: options.elect, ttl: options.ttl }
    }

    /// Works whenever it holds the lock, until told to stop. Work ends where it is, at its next wait, when the lock is
    /// lost.
    pub(super) async fn run<F: Future<Output = ()>>(mut self, stop: CancellationToken, mut work: impl FnMut() -> F) {
        let name = self.lock.name;
        if !self.elect {
            self.stands("", true);
            stop.run_until_cancelled(work()).await;
            return;
        }
        while stop.run_until_cancelled(self.acquire()).await.is_some() {
            info!("{name}: this replica writes now");
            let lost = {
                let (work, keep) = (pin!(work()), pin!(self.keep()));
                tokio::select! {
                    biased;
                    () = stop.cancelled() => None,
                    why = keep => Some(why),
                    () = work => Some("there is nothing left to do".to_owned()),
                }
            };
            self.stands("", false);
            match lost {
                None => break,
                Some(why) => warn!("{name}: this replica no longer writes: {why}"),
            }
        }
        // It may have been taken at this very moment.
        self.release().await;
    }

    /// Waits until it holds the lock.
    async fn acquire(&mut self) {
        let chance = RandomState::new();
        let mut told = String::new();
        for draw in 0_u64.. {
            match self.attempt(false).await {
                Ok(Outcome::Leads) => return,
                Ok(Outcome::Held(record)) => self.stands(&record.holder_identity, false),
                // Of missing rights there is word already.
                Err(Error::Api(status)) if status.code == 403 => {}
                Err(error) => {
                    let error = error.to_string();
                    if told != error {
                        warn!("{}: it cannot be found out who writes: {error}", self.lock.name);
                        told = error;
                    }
                }
            }
            // As client-go: a quarter of the time to live, and up to 1.2 of that more.
            let chance = (chance.hash_one(draw) >> 11) as f64 / (1_u64 << 53) as f64;
            tokio::time::sleep((self.ttl / 4).mul_f64(1.0 + 1.2 * chance)).await;
        }
    }

    /// Renews the lock until that no longer works; says why. For half of its time the lock is good without.
    async fn keep(&mut self) -> String {
        let mut good = Instant::now();
        let mut wait = self.ttl / 4;
        loop {
            tokio::time::sleep(wait).await;
            let began = Instant::now();
            let limit = good + self.ttl / 2;
            let error = match tokio::time::timeout_at(limit.into(), self.attempt(true)).await {
                Ok(Ok(Outcome::Leads)) => {
                    good = began;
                    wait = self.ttl / 4;
                    continue;
                }
                Ok(Ok(Outcome::Held(record))) => return format!("{} has taken the lock", record.holder_identity),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the API server does not answer".to_owned(),
            };
            wait = self.ttl / 15;
            if Instant::now() + wait > limit {
                return format!("the lock could not be renewed for {} s: {error}", good.elapsed().as_secs());
            }
        }
    }

    /// Tries to take or to renew the lock, once. What was written over meanwhile is looked at again at once. Whoever
    /// holds it already holds it no longer where the record names another, or nobody.
    async fn attempt(&mut self, leading: bool) -> Result<Outcome, Error> {
        let result = tokio::time::timeout(self.ttl / 6, self.try_once(leading)).await;
        let result = match result {
            Ok(Err(Error::Api(status))) if status.code == 409 => self.try_once(leading).await,
            Ok(result) => result,
            Err(_) => Err(Error::Service("the API server does not answer".into())),
        };
        if let Err(error) = &result {
            let (group, resource) = self.lock.form.resource();
            self.server.rights().note(error, &Right::to("get, create, update", group, resource));
        }
        result
    }

    async fn try_once(&mut self, leading: bool) -> Result<Outcome, Error> {
        let Some((record, held)) = self.lock.read().await? else {
            self.lock.create(&self.elector.claim(None, Timestamp::now())).await?;
            return Ok(self.leads());
        };
        let look = self.elector.look(&record, Instant::now());
        let free = match (look, leading) {
            (Look::Ours, _) | (Look::Free, false) => true,
            (Look::Free, true) => false,
            (Look::Held, true) => false,
            (Look::Held, false) => self.outranks(&record.holder_key).await,
        };
        if !free {
            return Ok(Outcome::Held(record));
        }
        self.lock.replace(held, &self.elector.claim(Some(&record), Timestamp::now())).await?;
        Ok(self.leads())
    }

    async fn outranks(&self, key: &str) -> bool {
        // Only then is it asked who is the default.
        self.elector.may_outrank(key) && self.elector.outranks(key, &revision::default(&self.server).await)
    }

    fn leads(&self) -> Outcome {
        self.stands("", true);
        Outcome::Leads
    }

    fn stands(&self, holder: &str, leading: bool) {
        let (lock, form) = (self.lock.name, self.lock.form.kind());
        let holder = if leading { self.elector.identity() } else { holder };
        self.standings.set(Standing { lock, form, holder: holder.to_owned(), leading });
        self.observer.leads(lock, leading);
    }

    /// Gives the lock back, so that another need not wait for it to expire.
    async fn release(&mut self) {
        let release = async {
            let Some((record, held)) = self.lock.read().await? else { return Ok(()) };
            if self.elector.look(&record, Instant::now()) == Look::Ours {
                self.lock.replace(held, &self.elector.release(&record, Timestamp::now())).await?;
                info!("{}: given back", self.lock.name);
            }
            Ok::<(), Error>(())
        };
        if !matches!(tokio::time::timeout(self.ttl / 6, release).await, Ok(Ok(()))) {
            info!("{}: if this replica holds it, it will expire", self.lock.name);
        }
    }
}
