//! What stands beside an Envoy: how it is found or installed, and the bootstrap with which it joins the mesh.
//!
//! Comes in: flags, a Pod document, the machine's resolver configuration. Goes out: an Envoy bootstrap as JSON and
//! the path of an Envoy binary.
//!
//! Invariants: [`bootstrap::bootstrap`] is a function of its options alone; whoever reads files, environment or
//! `/etc/resolv.conf` does so before calling it. Absent on purpose: anything that knows what the control plane
//! will send (`model`, `plan`, `generate`); an agent sees the mesh only through xDS.

pub mod bootstrap;
pub mod envoy;
