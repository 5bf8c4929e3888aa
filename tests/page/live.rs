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
            const row = [...document.querySelectorAll('tbody tr')].at(-1);
            row.querySelector('a').focus({preventScroll: true});
            const range = document.createRange();
            range.selectNodeContents(row.cells[1]);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            window.row = row";
        page.run(reading, Vec::new()).await;
        scene.configure("new.yaml", &service("added"));
        page.wait(".found", "1–50 of 61").await;
        page.wait("tbody", "added.shop.svc.cluster.local").await;
        // The row they read has gone to the next page; the others are the same elements as before.
        let kept = "return [scrollY, window.row.isConnected || document.querySelectorAll('tbody tr').length === 50]";
        assert_eq!(page.run(kept, Vec::new()).await, json!([400, true]));

        page.open("services?q=s42", "1 found of 61").await;
        let marked = "const cell = document.querySelector('tbody td'); const range = document.createRange();
            range.selectNodeContents(cell); getSelection().removeAllRanges(); getSelection().addRange(range);
            document.querySelector('tbody a').focus()";
        page.run(marked, Vec::new()).await;
        scene.configure("new.yaml", &format!("{}---\n{}", service("added"), service("more")));
        page.wait(".found", "1 found of 62").await;
        let still = "return [getSelection().toString(), document.activeElement.innerText]";
        assert_eq!(page.run(still, Vec::new()).await, json!(["shop", "s42.shop.svc.cluster.local"]));
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
