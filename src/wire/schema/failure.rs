//! A violation on its way out of a message: every message that it leaves adds a step.

use super::Violation;

/// What comes of a step.
pub(super) type Outcome<T = ()> = Result<T, Box<Failure>>;

/// A violation on its way out.
#[derive(Debug)]
pub(super) struct Failure {
    /// From the inside out.
    steps: Vec<String>,
    why: String,
}

impl Failure {
    #[cold]
    pub(super) fn new(why: impl Into<String>) -> Box<Self> {
        Box::new(Failure { steps: Vec::new(), why: why.into() })
    }

    #[cold]
    pub(super) fn malformed() -> Box<Self> {
        Failure::new("is not valid protobuf")
    }

    #[cold]
    pub(super) fn inside(mut self: Box<Self>, step: impl Into<String>) -> Box<Self> {
        self.steps.push(step.into());
        self
    }

    /// Entries are messages with a `value`; nobody who reads a path wants to know.
    #[cold]
    pub(super) fn inside_entry(mut self: Box<Self>, key: &[u8]) -> Box<Self> {
        self.steps.pop_if(|step| step == "value");
        self.inside(format!("[{:?}]", String::from_utf8_lossy(key)))
    }

    pub(super) fn into_violation(self) -> Violation {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            if !path.is_empty() && !step.starts_with(['[', '(']) {
                path.push('.');
            }
            path.push_str(step);
        }
        Violation { path, why: self.why }
    }
}
