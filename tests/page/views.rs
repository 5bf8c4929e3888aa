//! What each view shows of a mesh with two Envoys.

use serde_json::json;

use crate::browser::Browser;
use crate::scene::Scene;

#[test]
fn every_view_shows_what_is_there() {
    let scene = Scene::shop();
    let _proxies = [scene.proxy("client.yaml", "client"), scene.proxy("greeter.yaml", "greeter-v1-a")];
    scene.browse(async |page| {
        overview(page).await;
        proxies(page).await;
        one_proxy(page).await;
        comparison(page).await;
        services(page).await;
        findings(page).await;
        who_talks(page).await;
        changes(page, &scene).await;
    });
}

async fn overview(page: &Browser) {
    page.open("", "2 synced").await;
    page.wait("main", "Ready: proxies are served.").await;
    page.wait("main", "istiod-6b4f9c7d5-x2x7q").await;
    let tiles = page.all(".tile .number").await;
    assert_eq!(tiles[..2], ["2", "8"], "proxies and services");
    assert!(page.all(".columns dd").await.contains(&"3".to_owned()), "three Sidecars");
    assert_eq!(page.all("#views [aria-current=page]").await, ["Overview"]);
}

async fn proxies(page: &Browser) {
    page.click("#views a[href='#/proxies']").await;
    page.wait("main", "2 proxies: 2 synced, 0 waiting, 0 rejecting.").await;
    assert_eq!(page.all("tbody th").await, ["client", "greeter-v1-a"]);
    page.wait("tbody tr", "shop stock Envoy Envoy 1.").await;
    page.wait("tbody tr", "synced CDS synced EDS").await;
    page.click("[data-key='sort-name']").await;
    page.click("[data-key='sort-name']").await;
    page.holds("the other order", "return document.querySelector('tbody th').innerText === 'greeter-v1-a'").await;
    assert_eq!(page.all("th[aria-sort=descending] button").await, ["Name▼"]);
    page.click("#search").await;
    page.press("client").await;
    page.wait(".found", "1 found of 2").await;
    assert_eq!(page.all("tbody th").await, ["client"]);
    let address = page.run("return location.hash", Vec::new()).await;
    assert_eq!(address, json!("#/proxies?sort=-name&q=client"), "the address leads here again");
    page.press("xyz").await;
    page.wait(".nothing", "Nothing has these words.").await;
}

async fn one_proxy(page: &Browser) {
    page.open("proxy?id=client.shop", "What it holds").await;
    page.wait("main", "stock Envoy").await;
    page.wait("main", "a UNIX socket").await;
    page.wait(".labels", "app=client").await;
    assert!(page.all(".tabs li").await.iter().any(|tab| tab.starts_with("Listeners")));
    page.open("proxy?id=client.shop&type=cds&q=7000||greeter", "outbound|7000||greeter.shop.svc.cluster.local").await;
    page.click("tbody th a").await;
    page.wait("h1", "outbound|7000||greeter.shop.svc.cluster.local").await;
    page.wait(".json", "\"connectTimeout\": \"10s\"").await;
    // What it follows from: the service and the rule for it, and nothing that was merely looked at.
    page.wait(".origins", "Service shop/greeter DestinationRule shop/greeter").await;
    assert!(!page.all(".origins").await[0].contains("catalog"));
    page.open("proxy?id=nobody.shop", "This cannot be shown: this proxy is not connected to this replica.").await;
    // The browser itself says of every answer that is none.
    let said = page.console().await;
    assert!(said.iter().all(|line| line.contains("404")), "{said:?}");
}

async fn comparison(page: &Browser) {
    page.open("compare", "Choose two proxies.").await;
    let named = page.all("[data-key=a] option").await;
    let id = |name: &str| named.iter().find(|id| id.starts_with(name)).expect(name).clone();
    page.choose("[data-key=a]", &id("client")).await;
    page.wait("main", "Choose two proxies.").await;
    page.choose("[data-key=b]", &id("greeter")).await;
    page.wait(".counts", "Clusters").await;
    // What the greeter may reach is not restricted by a Sidecar, and it is behind a service itself.
    page.click("#search").await;
    page.press("payments").await;
    page.wait(".list .found", "found of").await;
    page.wait(".list tbody", "outbound|9000||payments.billing.svc.cluster.local").await;
    page.wait(".list tbody", "only in the second").await;
    page.open("compare?a=client.shop&b=greeter-v1-a.shop&type=lds&q=virtualInbound", "≠ different").await;
    let field = page.run("return document.getElementById('search').value", Vec::new()).await;
    assert_eq!(field, json!("virtualInbound"), "the field has the words of the address");
    page.click(".list tbody th a").await;
    page.wait("h1", "virtualInbound").await;
    page.wait(".diff", "+").await;
    let signs = page.run(
        "return ['gone', 'come'].every((sort) => document.querySelector(`.diff tr.${sort}`))
             && [...document.querySelectorAll('.diff tr.come')].some((row) => row.innerText.includes('50051'))",
        Vec::new(),
    );
    assert_eq!(signs.await, json!(true), "the greeter's port is only at the greeter");
}

/// An edit, and that both proxies have taken it in.
async fn changes(page: &Browser, scene: &Scene) {
    page.open("changes", "Changes").await;
    page.click("#search").await;
    page.press("virtualservice greeter").await;
    page.wait("main", "of").await;
    let traffic = include_str!("../../examples/traffic.yaml")
        .replace("weight: 60", "weight: 70")
        .replace("weight: 40", "weight: 30");
    scene.configure("traffic.yaml", &traffic);
    page.wait("tbody tr", "VirtualService shop/greeter changed").await;
    page.wait("tbody tr", "2 of 2").await;
    page.holds("how long that took", "return / ms$| s$/.test(document.querySelector('tbody td.number').innerText)")
        .await;
    page.open("", "What changed lately VirtualService shop/greeter changed").await;
}

async fn services(page: &Browser) {
    page.open("services", "greeter.shop.svc.cluster.local").await;
    assert_eq!(page.all(".found").await, ["8 in all"]);
    page.wait("tbody", "1 of 2 healthy").await;
    page.wait("tbody", "ServiceEntry outside").await;
    page.click("[data-key='sort-endpoints']").await;
    page.click("[data-key='sort-endpoints']").await;
    page.holds("the one with most", "return document.querySelector('tbody th').innerText.startsWith('greeter.shop')")
        .await;
    page.click("tbody th a").await;
    page.wait("h1", "greeter.shop.svc.cluster.local").await;
    page.wait("main", "7000 GRPC").await;
    page.wait("main", "10.96.10.1").await;
    page.wait("main", "sidecars in shop use it").await;
    page.wait("main", "greeter.shop.svc.cluster.local subset v1").await;
    page.wait("main", "in force for callers in shop for greeter.shop.svc.cluster.local, 2 subsets: v1, v2").await;
    page.wait(".list tbody", "10.77.0.11:50051").await;
    page.open("service?host=payments.billing.svc.cluster.local&namespace=billing", "refunds").await;
    page.wait(".rows", "error VirtualService billing/payments spec.http[0].route[0].destination.host").await;
}

async fn findings(page: &Browser) {
    page.open("findings", "refunds.billing.svc.cluster.local").await;
    page.wait("main", "shop.yaml:").await;
    let all = page.all("tbody tr").await.len();
    page.choose("#choose-namespace", "billing").await;
    page.holds(
        "fewer rows",
        "return [...document.querySelectorAll('tbody .object')].every((o) => o.innerText.includes('billing/'))",
    )
    .await;
    let within = page.all("tbody tr").await.len();
    assert!(within > 0 && within < all, "{within} of {all}");
    page.choose("#choose-severity", "error").await;
    page.holds(
        "errors alone",
        "return [...document.querySelectorAll('tbody .state')].every((s) => s.innerText === 'error')",
    )
    .await;
    page.wait("main", "spec.http[0].route[0].destination.host").await;
}

async fn who_talks(page: &Browser) {
    page.open("talk", "These are calls that may be made, not calls that are made.").await;
    page.wait("tbody", "Sidecar shop/web lets it through").await;
    page.wait("tbody", "VirtualService shop/catalog mirrors calls to it").await;
    page.wait(".graph", "catalog-next.shop").await;
    let drawn = "return document.querySelectorAll('.graph .party').length + ' ' + document.querySelectorAll('.graph .edge').length";
    let (parties, lines) = (page.run(drawn, Vec::new()).await, page.all("tbody tr").await.len());
    assert!(parties.as_str().unwrap().ends_with(&format!(" {lines}")), "every line is drawn: {parties}, {lines}");
    page.holds(
        "no two boxes overlap",
        "const boxes = [...document.querySelectorAll('.party rect')].map((r) => r.getBoundingClientRect());
         return boxes.every((a, i) => boxes.every((b, j) => i === j || a.right <= b.left || b.right <= a.left
             || a.bottom <= b.top || b.bottom <= a.top))",
    )
    .await;
    page.click("#search").await;
    page.press("mirrors").await;
    page.wait(".found", "1 found of").await;
    page.holds("a drawing of two", "return document.querySelectorAll('.graph .party').length === 2").await;
    // There is no Prometheus here, which is said and not hidden.
    page.open("talk?by=measured", "No numbers from 127.0.0.1:9090: it cannot be reached").await;
}
