use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{UnknownField, nearest, read, read_strictly};
use crate::api::encode;
use crate::api::mesh::OutboundMode;
use crate::base::{Duration, Str};

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Message {
    some_text: Str,
    number: u32,
    ratio: f64,
    flag: Option<bool>,
    mode: OutboundMode,
    wait: Option<Duration>,
    children: Vec<Message>,
    by_name: BTreeMap<Str, u32>,
    by_port: BTreeMap<u32, Str>,
    #[serde(rename = "theNumber|theMessage")]
    choice: Option<Choice>,
    only_choice: Option<OnlyChoice>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Choice {
    TheNumber(u32),
    TheMessage(Box<Message>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OnlyChoice {
    #[serde(rename = "")]
    Unset,
    One(u32),
    TheOther(Str),
}

fn message(value: Value) -> Message {
    read(&value, "spec").unwrap()
}

fn error(value: Value) -> String {
    read::<Message>(&value, "spec").unwrap_err().to_string()
}

#[test]
fn both_spellings_of_a_field_are_read() {
    assert_eq!(message(json!({"some_text": "a"})), message(json!({"someText": "a"})));
    assert_eq!(message(json!({"the_number": 3})), message(json!({"theNumber": 3})));
    assert_eq!(message(json!({"only_choice": {"the_other": "x"}})).only_choice, Some(OnlyChoice::TheOther("x".into())));
    assert_eq!(error(json!({"some_text": "a", "someText": "b"})), "spec has someText twice, in two spellings");
}

#[test]
fn keys_of_users_are_left_alone() {
    let read = message(json!({"byName": {"snake_case": 1}, "byPort": {"8080": "a"}}));
    assert_eq!(read.by_name, BTreeMap::from([("snake_case".into(), 1)]));
    assert_eq!(read.by_port, BTreeMap::from([(8080, "a".into())]));
}

#[test]
fn null_is_absent() {
    let nulls =
        json!({"someText": null, "number": null, "flag": null, "children": null, "theNumber": null, "byName": null});
    assert_eq!(message(nulls), Message::default());
    assert_eq!(message(Value::Null), Message::default());
    assert_eq!(message(json!({"theNumber": null, "theMessage": {}})).choice, Some(Choice::TheMessage(Box::default())));
}

#[test]
fn numbers_may_be_strings_and_enums_numbers() {
    let read = message(json!({"number": "42", "ratio": "0.5", "mode": 3, "wait": "1m0.5s"}));
    assert_eq!((read.number, read.ratio, read.mode), (42, 0.5, OutboundMode::AllowAnyDynamicDns));
    assert_eq!(read.wait, Some(Duration::from_millis(60_500)));
    assert_eq!(message(json!({"number": 7.0, "ratio": 3})).number, 7);
    assert_eq!(message(json!({"mode": "ALLOW_ANY_DYNAMIC_DNS"})).mode, OutboundMode::AllowAnyDynamicDns);
}

#[test]
fn a_oneof_is_one_field_of_the_message() {
    assert_eq!(message(json!({"theNumber": 3})).choice, Some(Choice::TheNumber(3)));
    assert_eq!(error(json!({"theNumber": 3, "theMessage": {}})), "spec may have only one of theNumber or theMessage");
    assert_eq!(message(json!({"onlyChoice": {}})).only_choice, Some(OnlyChoice::Unset));
    assert_eq!(message(json!({"onlyChoice": {"one": 1}})).only_choice, Some(OnlyChoice::One(1)));
    let both = json!({"onlyChoice": {"one": 1, "theOther": "a"}});
    assert_eq!(error(both), "spec.onlyChoice may have only one of one or theOther");
}

#[test]
fn errors_name_the_field_and_speak_plainly() {
    for (value, text) in [
        (json!({"number": "abc"}), "spec.number must be a number, found the string \"abc\""),
        (json!({"number": -1}), "spec.number must be a whole number from 0 to 4294967295, found the number -1"),
        (json!({"number": 1.5}), "spec.number must be a whole number from 0 to 4294967295, found the number 1.5"),
        (json!({"someText": 1}), "spec.someText must be a string (put it in quotes), found the number 1"),
        (json!({"flag": "true"}), "spec.flag must be true or false, found the string \"true\""),
        (json!({"children": {}}), "spec.children must be a list, found a mapping"),
        (json!({"children": [{}, {"number": []}]}), "spec.children[1].number must be a number, found a list"),
        (json!({"children": [[]]}), "spec.children[0] must be a mapping, found a list"),
        (json!({"byName": {"a.b": "x"}}), "spec.byName[a.b] must be a number, found the string \"x\""),
        (json!({"byPort": {"x": "y"}}), "spec.byPort[x] must be a number, found the string \"x\""),
        (
            json!({"mode": "GREEN"}),
            "spec.mode must be one of REGISTRY_ONLY, ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS, found the string \"GREEN\"",
        ),
        (
            json!({"mode": 2}),
            "spec.mode must be one of REGISTRY_ONLY, ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS, found the number 2",
        ),
        (json!({"theMessage": {"number": "x"}}), "spec.theMessage.number must be a number, found the string \"x\""),
        (json!({"onlyChoice": 1}), "spec.onlyChoice must be a mapping, found the number 1"),
        (json!({"wait": "soon"}), "spec.wait \"soon\" is not a duration such as 5s or 250ms"),
        (json!(3), "spec must be a mapping, found the number 3"),
    ] {
        assert_eq!(error(value), text);
    }
}

#[test]
fn unknown_fields_are_collected_with_a_guess() {
    let value = json!({"sometext": "a", "children": [{"extra": {}}], "onlyChoice": {"onee": 1}});
    let (read, unknown) = read_strictly::<Message>(&value, "spec");
    assert_eq!(read.unwrap().children, [Message::default()]);
    let field = |path: &str, nearest| UnknownField { path: path.into(), nearest };
    assert_eq!(
        unknown,
        [
            field("spec.children[0].extra", None),
            field("spec.onlyChoice.onee", Some("one")),
            field("spec.sometext", Some("someText")),
        ]
    );
}

#[test]
fn guesses_are_close_or_absent() {
    let names = || ["timeout", "retries", "route"].into_iter();
    assert_eq!(nearest("tmeout", names()), Some("timeout"));
    assert_eq!(nearest("Routes", names()), Some("route"));
    assert_eq!(nearest("weight", names()), None);
}

#[test]
fn what_is_written_can_be_read_again() {
    let full = message(json!({
        "someText": "a", "number": 7, "ratio": 0.25, "flag": false, "mode": "ALLOW_ANY_DYNAMIC_DNS", "wait": "0.250s",
        "children": [{}], "byName": {"a_b": 0}, "byPort": {"80": "x"}, "theMessage": {"number": 1},
        "onlyChoice": {},
    }));
    let written = encode::to_value(&full);
    assert_eq!(message(written.clone()), full);
    assert_eq!(written["flag"], json!(false));
    assert_eq!(written["theMessage"], json!({"number": 1}));
    assert_eq!(written["children"], json!([{}]));
    assert_eq!(written["byName"], json!({"a_b": 0}));
    assert_eq!(encode::to_value(&Message::default()), json!({}));
}
