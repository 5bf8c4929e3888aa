//! The page in a real browser: Chromium, driven by WebDriver, before the real mizzen with real Envoys connected.
//!
//! Needs root on Linux (each scene is a network namespace) and what `tests/setup.sh` installs: Chromium with its driver,
//! Prometheus, an API server. With `MIZZEN_SCREENSHOTS=DIR` what was looked at is kept there, for the README.
#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

mod browser;
mod hostile;
mod keyboard;
mod leaders;
mod live;
mod looks;
mod measured;
mod peers;
mod scene;
#[allow(dead_code, reason = "shared with the end-to-end tests, which use all of it")]
mod support;
mod tls;
mod views;
