//! A page to look at in a browser: the files that it is made of, and what it shows, as JSON of our own.
//!
//! Comes in: connected clients, a survey of one revision, findings, answers of Prometheus, and what a list is asked for
//! ([`Ask`]). Goes out: plain values to be printed as JSON, and [`assets`]. Every value is a pure function of what was
//! taken at one moment, so that a large mesh holds nobody up; lists are searched, sorted and cut here, so that ten
//! thousand rows never travel.
//!
//! Invariants: nothing here changes anything; private keys are shown nowhere; names and texts are passed on as they are,
//! and it is for the page to show them as text (it has no other way to show anything).
//! Absent: HTTP, who may look, clocks.

pub mod assets;
mod changes;
mod compare;
mod findings;
mod lines;
mod list;
mod measured;
mod overview;
mod proxies;
mod proxy;
mod service;
mod services;
mod talk;

#[cfg(test)]
mod tests;

pub use changes::changes;
pub use compare::{compare, lines_between};
pub use findings::findings;
pub use list::Ask;
pub use measured::{Answer, Did, QUERIES, measured};
pub use overview::{About, Lock, overview};
pub use proxies::proxies;
pub use proxy::{find, holdings, proxy, shown};
pub use service::service;
pub use services::services;
pub use talk::{Edges, Mesh, configured};
