//! The page without a mouse, and what is told of it to those who do not see it.

use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::scene::Scene;

/// What has the focus: its key, its words, and whether that can be seen.
async fn focus(page: &Browser) -> (String, String, bool) {
    let script = "const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
        const seen = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && r.width > 0 && r.left >= 0 && r.top >= 0;
        return [e.dataset.key ?? e.id, e.innerText || e.getAttribute('aria-label') || e.placeholder || '', seen]";
    serde_json::from_value(page.run(script, Vec::new()).await).unwrap()
}

async fn press(page: &Browser, key: Key) {
    page.press(&String::from(char::from(key))).await;
}

#[test]
fn everything_is_reached_and_done_by_keyboard_alone() {
    let scene = Scene::shop();
    scene.browse(async |page| {
        page.open("services", "greeter.shop.svc.cluster.local").await;
        press(page, Key::Tab).await;
        assert_eq!(focus(page).await, ("skip".into(), "Skip to content".into(), true));
        press(page, Key::Enter).await;
        assert_eq!(focus(page).await.0, "main");

        // From the first to the last: the focus is always to be seen, and no element is skipped.
        press(page, Key::Tab).await;
        let mut reached = Vec::new();
        while reached.len() < 200 {
            let (key, words, seen) = focus(page).await;
            if words.is_empty() || key == "skip" || reached.len() > 1 && words == "Debug pages" {
                break;
            }
            assert!(seen, "the focus is not to be seen on {key:?} {words:?}");
            reached.push(key);
            press(page, Key::Tab).await;
        }
        for key in ["search", "sort-host", "sort-namespace", "sort-kind", "sort-endpoints"] {
            assert!(reached.iter().any(|r| r == key), "{key} is not reached: {reached:?}");
        }
        assert!(reached.len() > 8, "links of rows too: {reached:?}");

        page.click("h1").await;
        press(page, Key::Null).await;
        page.press("/").await;
        assert_eq!(focus(page).await.0, "search");
        page.press("catalog").await;
        page.wait(".found", "2 found of 8").await;
        assert_eq!(focus(page).await.0, "search", "who types stays in the field");
        press(page, Key::Escape).await;
        page.holds("all again", "return document.querySelector('.found').innerText === '8 in all'").await;
        press(page, Key::Escape).await;
        assert_ne!(focus(page).await.0, "search");

        page.run("document.querySelector('[data-key=sort-host]').focus()", Vec::new()).await;
        press(page, Key::Enter).await;
        page.holds(
            "sorted",
            "return document.querySelector('th[aria-sort]')?.getAttribute('aria-sort') === 'ascending'",
        )
        .await;
        press(page, Key::Enter).await;
        page.holds(
            "the other way",
            "return document.querySelector('th[aria-sort]')?.getAttribute('aria-sort') === 'descending'",
        )
        .await;
        assert_eq!(focus(page).await.0, "sort-host", "who sorts stays at the button");

        page.run("document.querySelector('tbody th a').focus()", Vec::new()).await;
        press(page, Key::Enter).await;
        page.wait("main", "DestinationRules for it").await;
        page.holds("the heading is read first", "return document.activeElement.tagName === 'H1'").await;
        press(page, Key::Escape).await;
        page.wait("h1", "Services").await;

        page.press("p").await;
        page.wait("#live", "Paused").await;
        assert_eq!(page.run("return document.getElementById('live').ariaPressed", Vec::new()).await, json!("true"));
        page.press("p").await;
        page.wait("#live", "Live").await;
    });
}

#[test]
fn what_is_seen_is_told_too() {
    let scene = Scene::shop();
    scene.browse(async |page| {
        for (place, words) in [("", "Objects"), ("services", "greeter"), ("findings", "error"), ("talk", "Sidecar")] {
            page.open(place, words).await;
            let wrong = page.run(STRUCTURE, Vec::new()).await;
            assert_eq!(wrong, Value::Array(Vec::new()), "{place}");
        }
    });
}

/// What is missing for those who listen: one heading of the first rank, landmarks, names of fields and buttons, headings of
/// tables, and nothing that is named by colour alone.
const STRUCTURE: &str = "
    const wrong = [];
    const need = (is, what) => is || wrong.push(what);
    const all = (css) => [...document.querySelectorAll(css)];
    need(document.documentElement.lang === 'en', 'language');
    need(document.title.endsWith(' · mizzen'), 'title');
    need(all('h1').length === 1, 'one h1');
    for (const css of ['header', 'nav[aria-label]', 'main', 'footer', '[aria-live=polite]']) need(all(css).length > 0, css);
    all('input, select').forEach((e) => need(e.labels.length > 0, 'label of ' + e.id));
    all('button, a[href]').forEach((e) => need((e.textContent || e.getAttribute('aria-label')).trim(), 'name of ' + e.outerHTML));
    all('main table').forEach((t) => {
        need(t.getAttribute('role') === 'table', 'role of a table');
        need(!t.querySelector('thead') || t.caption, 'caption');
        t.querySelectorAll('tbody tr').forEach((r) => need(r.querySelector('th[scope=row]') || !t.tHead, 'heading of a row'));
    });
    all('svg:not([aria-hidden=true]):not([role])').forEach((e) => need(false, 'a drawing without a role'));
    all('.mark').forEach((e) => need(e.hasAttribute('aria-label') || e.parentElement.textContent.trim(), 'a mark without a word'));
    const ids = all('[id]').map((e) => e.id);
    need(new Set(ids).size === ids.length, 'ids are unique');
    return wrong";
