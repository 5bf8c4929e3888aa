//! CEL, the language of conditions in Telemetry: whether a text is an expression that Envoy takes.
//!
//! Envoy refuses a whole listener for one expression that it cannot read, calls a function that it does not have, or
//! goes through lists, which it has switched off. Types are not checked: Envoy does that call by call.

mod parse;
mod token;

#[cfg(test)]
mod tests;

/// Functions that Envoy has (`source/extensions/filters/common/expr/evaluator.cc`, CEL's standard library).
const FUNCTIONS: [&str; 27] = [
    "bytes",
    "capture",
    "captureN",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "extract",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "has",
    "int",
    "matches",
    "size",
    "startsWith",
    "timestamp",
    "type",
    "uint",
];

/// Macros that go through lists.
const LOOPS: [&str; 5] = ["all", "exists", "exists_one", "map", "filter"];

/// Whether Envoy takes the expression; the error is a clause that says what is wrong with it.
pub fn check(expression: &str) -> Result<(), String> {
    for function in parse::functions(expression)? {
        if LOOPS.contains(&function) {
            return Err(format!("{function}() goes through a list, which Envoy does not allow"));
        }
        if !FUNCTIONS.contains(&function) {
            return Err(format!("there is no function {function}()"));
        }
    }
    Ok(())
}
