//! What changes while one looks.

use serde_json::json;

use crate::scene::Scene;

fn service(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{clusterIP: None, ports: [{{name: http, port: 80}}]}}\n"
    )
}

#[test]
fn changes_appear_by_themselves_without_disturbing_who_reads() {
    let many: String = (10..70).map(|i| service(&format!("s{i}"))).collect::<Vec<_>>().join("---\n");
    let scene = Scene::open(&[("many.yaml", &many)]);
    scene.browse(async |page| {
        page.open("services", "1–50 of 60").await;
        // Somebody reads far down, has marked some words, and has a link in focus.
        let reading = "window.scrollTo(0, 400);
            window.row = document.querySelectorAll('tbody tr')[20];
            row.querySelector('a').focus({preventScroll: true});
            const range = document.createRange();
            range.selectNodeContents(row.cells[1]);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            window.top_before = row.getBoundingClientRect().top";
        page.run(reading, Vec::new()).await;
        scene.configure("new.yaml", &service("added"));
        page.wait(".found", "1–50 of 61").await;
        page.wait("tbody tr", "added.shop.svc.cluster.local").await;
        page.holds(
            "the row to be where it was, though one came before it",
            "return row.isConnected && Math.abs(row.getBoundingClientRect().top - top_before) < 3",
        )
        .await;
        let kept = "return [document.activeElement === row.querySelector('a'), getSelection().toString()]";
        assert_eq!(page.run(kept, Vec::new()).await, json!([true, "shop"]));
    });
}

#[test]
fn nothing_changes_while_it_is_paused() {
    let scene = Scene::open(&[("one.yaml", &service("one"))]);
    scene.browse(async |page| {
        page.open("services", "one.shop").await;
        page.click("#live").await;
        page.wait("#live", "Paused").await;
        let asked = "return performance.getEntriesByType('resource').filter((e) => e.name.includes('/api/')).length";
        let before = page.run(asked, Vec::new()).await;
        scene.configure("two.yaml", &service("two"));
        // Longer than between two questions; there is nothing to wait for, since nothing may happen.
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        assert_eq!(page.run(asked, Vec::new()).await, before);
        page.click("#live").await;
        page.wait("tbody", "two.shop").await;
    });
}
