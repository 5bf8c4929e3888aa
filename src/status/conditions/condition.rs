//! The condition in an object's status: Istio's `IstioCondition` (`istio/api` `meta/v1alpha1/status.proto`).

use serde_json::{Value, json};

use super::verdict::Verdict;

/// What the condition is about: whether all of the object is in force.
const TYPE: &str = "Accepted";

/// What a status says of it; none if it says nothing. Of what others wrote under that name a word that is none counts as
/// empty, so that it is written over.
pub(super) fn read(status: &Value) -> Option<Verdict> {
    let own = own(status)?;
    let text = |key: &str| own[key].as_str().unwrap_or_default().to_owned();
    Some(Verdict { accepted: own["status"] == "True", reason: text("reason"), message: text("message") })
}

fn own(status: &Value) -> Option<&Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == TYPE)
}

/// All conditions as they should be, for a status of that generation of its object; none if they are so. Null if there
/// should be none at all. Those of others stay as they are, and where they are.
pub(super) fn revised(status: &Value, verdict: Option<&Verdict>, generation: i64, now: &str) -> Option<Value> {
    let before = own(status);
    if before.is_none() && verdict.is_none() {
        return None;
    }
    if let Some(verdict) = verdict
        && read(status).as_ref() == Some(verdict)
        && before.is_some_and(|before| is_current(before, generation))
    {
        return None;
    }
    let mut all = status["conditions"].as_array().cloned().unwrap_or_default();
    let at = all.iter().position(|condition| condition["type"] == TYPE);
    match (verdict, at) {
        (None, Some(at)) => drop(all.remove(at)),
        (None, None) => {}
        (Some(verdict), at) => {
            let state = if verdict.accepted { "True" } else { "False" };
            let kept = before.filter(|before| before["status"] == state).and_then(|b| b["lastTransitionTime"].as_str());
            let condition = json!({
                "type": TYPE,
                "status": state,
                "reason": verdict.reason,
                "message": verdict.message,
                "lastProbeTime": now,
                "lastTransitionTime": kept.unwrap_or(now),
                "observedGeneration": generation,
            });
            match at {
                Some(at) => all[at] = condition,
                None => all.push(condition),
            }
        }
    }
    Some(if all.is_empty() { Value::Null } else { all.into() })
}

/// CRDs of older versions of Istio have no field for the generation and drop it.
fn is_current(condition: &Value, generation: i64) -> bool {
    match &condition["observedGeneration"] {
        Value::String(text) => text.parse() == Ok(generation),
        Value::Number(number) => number.as_i64() == Some(generation),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = r#"{"type": "istio.io/WaypointBound", "status": "True", "extra": [1]}"#;

    fn verdict(accepted: bool, message: &str) -> Verdict {
        Verdict { accepted, reason: "Errors".to_owned(), message: message.to_owned() }
    }

    fn other() -> Value {
        serde_json::from_str(OTHER).unwrap()
    }

    #[test]
    fn a_condition_comes_changes_and_goes_and_those_of_others_stay() {
        let mut status = json!({"addresses": [], "conditions": [other()]});
        let bad = verdict(false, "bad");
        status["conditions"] = revised(&status, Some(&bad), 1, "t1").unwrap();
        assert_eq!((&status["conditions"][0], read(&status)), (&other(), Some(bad.clone())));
        assert_eq!(revised(&status, Some(&bad), 1, "t2"), None);
        // Another thing is wrong now, for as long as before.
        status["conditions"] = revised(&status, Some(&verdict(false, "worse")), 2, "t3").unwrap();
        let own = &status["conditions"][1];
        assert_eq!((&own["lastTransitionTime"], &own["lastProbeTime"]), (&json!("t1"), &json!("t3")));
        status["conditions"] = revised(&status, Some(&verdict(true, "odd")), 2, "t4").unwrap();
        assert_eq!(status["conditions"][1]["lastTransitionTime"], "t4");
        assert_eq!(revised(&status, None, 2, "t5"), Some(json!([other()])));
        assert_eq!(revised(&json!({"conditions": [other()]}), None, 2, "t5"), None);
        let alone = json!({"conditions": [status["conditions"][1]]});
        assert_eq!(revised(&alone, None, 2, "t5"), Some(Value::Null));
    }

    #[test]
    fn the_same_of_a_later_generation_is_news_unless_the_generation_cannot_be_kept() {
        let bad = verdict(false, "bad");
        let conditions = revised(&json!({}), Some(&bad), 1, "t1").unwrap();
        let mut status = json!({"conditions": conditions});
        assert_eq!(revised(&status, Some(&bad), 1, "t2"), None);
        assert!(revised(&status, Some(&bad), 2, "t2").is_some());
        status["conditions"][0]["observedGeneration"] = "1".into();
        assert_eq!(revised(&status, Some(&bad), 1, "t2"), None, "Istio writes it as text");
        status["conditions"][0].as_object_mut().unwrap().remove("observedGeneration");
        assert_eq!(revised(&status, Some(&bad), 2, "t2"), None);
    }
}
