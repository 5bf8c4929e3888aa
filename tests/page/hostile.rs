//! Names and texts of tenants who mean harm.

use serde_json::json;

use crate::scene::Scene;

/// What would run if any of it were taken for markup.
const HARM: &str = "<img src=x onerror=window.harmed=1>";

#[test]
fn what_tenants_write_is_shown_and_never_run() {
    let mesh = format!(
        "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: evil, namespace: shop, annotations: {{'networking.istio.io/{HARM}': '<script>window.harmed=1</script>'}}}}
spec: {{hosts: ['{HARM}'], http: [{{route: [{{destination: {{host: '</script><script>window.harmed=1</script>'}}}}]}}]}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: evil, namespace: shop, labels: {{a: '{HARM}'}}}}
spec: {{hosts: [outside.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{{number: 80, name: 'http-{HARM}', protocol: HTTP}}]}}
"
    );
    let scene = Scene::open(&[("evil.yaml", &mesh)]);
    // A proxy says of itself what it likes.
    let _proxy = scene.proxy_that("client.yaml", "client", |node| {
        node["id"] = format!("sidecar~10.77.0.2~{HARM}.shop~shop.svc.cluster.local").into();
        node["metadata"]["LABELS"]["app"] = HARM.into();
    });
    scene.browse(async |page| {
        page.open("findings", HARM).await;
        page.open("proxies", HARM).await;
        page.click("tbody th a").await;
        page.wait("h1", HARM).await;
        page.wait(".labels", &format!("app={HARM}")).await;
        // Addresses are written by strangers too.
        let quoted = "%3Cimg%20src%3Dx%20onerror%3Dwindow.harmed%3D1%3E";
        page.open(&format!("findings?q={quoted}"), HARM).await;
        assert_eq!(page.run("return document.getElementById('search').value", Vec::new()).await, json!(HARM));
        page.open(&format!("proxy?id={quoted}"), HARM).await;
        let harmed = "return [typeof window.harmed, document.querySelectorAll('main img, main script').length]";
        assert_eq!(page.run(harmed, Vec::new()).await, json!(["undefined", 0]));
        // The test can tell: the same as markup does harm where nothing forbids it, and is stopped by the page's policy.
        let inserted = "const p = document.createElement('p'); p.innerHTML = arguments[0]; document.body.append(p);
                        return document.querySelectorAll('body > p img').length";
        assert_eq!(page.run(inserted, vec![json!(HARM)]).await, json!(1));
        assert_eq!(page.run("return typeof window.harmed", Vec::new()).await, json!("undefined"));
        let said = page.console().await;
        assert!(said.iter().any(|line| line.contains("Content Security Policy")), "{said:?}");
    });
}
