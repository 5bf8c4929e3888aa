//! How every view looks: on a desk in the light and in the dark, and on a phone.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::browser::{Browser, Look};
use crate::scene::Scene;
use crate::support::require;

/// Each view: the name of its picture, its place, and words that it has when all is there.
const VIEWS: [(&str, &str, &str); 10] = [
    ("overview", "", "2 synced"),
    ("proxies", "proxies", "greeter-v1-a"),
    ("proxy", "proxy?id=client.shop&type=cds", "outbound|7000|v1|greeter.shop"),
    ("compare", "compare?a=client.shop&b=greeter-v1-a.shop&sort=-differs", "only in the"),
    ("lines", "lines?a=client.shop&b=greeter-v1-a.shop&type=lds&name=virtualInbound", "50051"),
    ("service", "service?host=greeter.shop.svc.cluster.local&namespace=shop", "10.77.0.13"),
    (
        "resource",
        "resource?id=client.shop&type=cds&name=outbound%7C7000%7Cv1%7Cgreeter.shop.svc.cluster.local",
        "Made from",
    ),
    ("findings", "findings", "refunds"),
    ("changes", "changes", "2 of 2"),
    ("talk", "talk", "mirrors calls"),
];

/// How large a picture may be, so that the README loads fast.
const PICTURE: usize = 150_000;

#[test]
fn every_view_can_be_read_in_the_light_and_in_the_dark_and_fits_a_phone() {
    let scene = Scene::shop();
    let _proxies = [scene.proxy("client.yaml", "client"), scene.proxy("greeter.yaml", "greeter-v1-a")];
    scene.configure("traffic.yaml", &include_str!("../../examples/traffic.yaml").replace("1000", "500"));
    scene.browse(async |page| {
        for (name, place, words) in VIEWS {
            for look in [Look::Light, Look::Dark, Look::Phone] {
                page.look(look).await;
                page.open(place, words).await;
                let faint = page.run(CONTRAST, Vec::new()).await;
                assert_eq!(faint, Value::Array(Vec::new()), "{name} {look:?}: too faint");
                if look == Look::Phone {
                    let wide = page.run(WIDE, Vec::new()).await;
                    assert_eq!(wide, json!([390, []]), "{name} is wider than the phone");
                }
                keep(page, name, look).await;
            }
        }
    });
}

#[test]
fn what_is_too_faint_or_too_wide_is_noticed() {
    let scene = Scene::open(&[]);
    scene.browse(async |page| {
        page.look(Look::Phone).await;
        page.open("", "Objects").await;
        let spoil = "const h = document.querySelector('h1'); h.style.color = '#999'; h.style.width = '600px'";
        page.run(spoil, Vec::new()).await;
        let faint = page.run(CONTRAST, Vec::new()).await.to_string();
        assert!(faint.contains("Overview"), "{faint}");
        assert_ne!(page.run(WIDE, Vec::new()).await, json!([390, []]));
    });
}

/// Writes down what is to be seen, with few colours; where `MIZZEN_SCREENSHOTS` says, or nowhere.
#[expect(clippy::disallowed_methods, reason = "a test's own setting")]
pub(crate) async fn keep(page: &Browser, name: &str, look: Look) {
    let small = reduced(&page.picture().await);
    assert!(small.len() < PICTURE, "{name} {look:?} has {} bytes", small.len());
    let Some(folder) = std::env::var_os("MIZZEN_SCREENSHOTS").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let look = format!("{look:?}").to_lowercase();
    std::fs::write(folder.join(format!("{name}-{look}.png")), small).unwrap();
}

fn reduced(picture: &[u8]) -> Vec<u8> {
    let mut command = Command::new(require::program("pngquant", "pngquant"));
    command.args(["--strip", "64", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(picture).unwrap();
    let done = running.wait_with_output().unwrap();
    assert!(done.status.success() && done.stdout.starts_with(b"\x89PNG"), "a picture was made");
    done.stdout
}

/// What is wider than the window: its width, and the elements that stick out of it and cannot be scrolled by themselves.
pub(crate) const WIDE: &str = "
    const within = (e) => { for (; e; e = e.parentElement) if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(e).overflowX)) return true };
    const out = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !within(e));
    return [document.documentElement.scrollWidth, out.map((e) => e.outerHTML.slice(0, 120))]";

/// Texts and marks that WCAG 2 calls too faint: a ratio of 4.5 is asked for, of 3 for large letters and for marks. Colours
/// are read back from a canvas, which knows every way in which they are written; layers that are not opaque are laid over
/// what is below.
pub(crate) const CONTRAST: &str = "
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (text) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return { rgb: [r, g, b], a: a / 255 };
    };
    const over = (top, below) => top.rgb.map((c, i) => c * top.a + below[i] * (1 - top.a));
    const ground = (e) => {
        const layers = [];
        for (; e; e = e.parentElement) layers.unshift(rgba(getComputedStyle(e).backgroundColor));
        return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); };
    const faint = [];
    const judge = (e, colour, least, what) => {
        const below = ground(e);
        const found = ratio(over(rgba(colour), below), below);
        if (found < least) faint.push(`${found.toFixed(2)} ${what}`);
    };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        const words = walk.currentNode.data.trim();
        const box = e.getBoundingClientRect();
        if (!words || box.width < 2 || box.right < 0 || e.closest('.unseen, option, title, noscript, script, style')) continue;
        const style = getComputedStyle(e);
        const [size, bold] = [parseFloat(style.fontSize), Number(style.fontWeight) >= 600];
        judge(e, e.closest('svg') ? style.fill : style.color, size >= 24 || (bold && size >= 18.66) ? 3 : 4.5, words);
    }
    document.querySelectorAll('.mark > *').forEach((e) => {
        const style = getComputedStyle(e);
        judge(e, style.fill === 'none' ? style.stroke : style.fill, 3, e.parentElement.getAttribute('class'));
    });
    return faint";
