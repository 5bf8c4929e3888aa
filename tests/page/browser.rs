//! Chromium without a window, by WebDriver; what WebDriver has no word for, by Chromium's own protocol.

use std::time::{Duration, Instant};

use base64::Engine as _;
use bytes::Bytes;
use fantoccini::{Client, ClientBuilder, Locator};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::scene::{PAGE, PATIENCE, Scene};
use crate::support::process::Process;
use crate::support::require;

/// Where the driver is, within the scene's network.
const DRIVER: &str = "http://127.0.0.1:9515";

/// A page in a browser.
pub(crate) struct Browser {
    client: Client,
    session: String,
    _driver: Process,
}

/// How the page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// On a desk, in the light.
    Light,
    /// On a desk, in the dark.
    Dark,
    /// On a phone, 390 pixels wide.
    Phone,
}

impl Browser {
    /// Starts the driver in the scene's network.
    pub(crate) fn start(scene: &Scene) -> Process {
        let driver = require::program("chromedriver", "chromium-driver");
        require::program("chromium", "chromium");
        let mut command = scene.network().command(driver);
        command.arg("--port=9515").env("HOME", scene.directory());
        Process::start("chromedriver", command, scene.directory().join("chromedriver.log"))
    }

    /// Opens a browser; to be called within the scene's network.
    pub(crate) async fn connect(driver: Process) -> Browser {
        let arguments = [
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ];
        let capabilities = json!({
            "goog:chromeOptions": {"args": arguments, "binary": require::program("chromium", "chromium")},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is one") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let start = Instant::now();
        let client = loop {
            match builder.connect(DRIVER).await {
                Ok(client) => break client,
                Err(error) => assert!(start.elapsed() < PATIENCE, "no browser: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let session = client.session_id().await.unwrap().expect("there is a session");
        let browser = Browser { client, session, _driver: driver };
        browser.look(Look::Light).await;
        browser
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }

    /// Goes to a place of the page and waits until it shows something with these words.
    pub(crate) async fn open(&self, place: &str, words: &str) {
        self.client.goto(&format!("http://{PAGE}/ui/#/{place}")).await.unwrap();
        self.holds("the page to be there", "return document.getElementById('main')?.dataset.shows === location.hash")
            .await;
        self.wait("main", words).await;
    }

    /// Waits until an element has these words, as a reader sees them.
    pub(crate) async fn wait(&self, element: &str, words: &str) {
        let script = "const found = document.querySelector(arguments[0]); return found ? found.innerText : null";
        let text = async || self.run(script, vec![json!(element)]).await;
        self.until(&format!("{element} to say {words:?}"), async || {
            let text = text().await;
            // Whatever lines it is broken into.
            let said = text.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
            (said.contains(words)).then_some(()).ok_or(said)
        })
        .await;
    }

    /// Waits until a script gives `true`.
    pub(crate) async fn holds(&self, what: &str, script: &str) {
        self.until(what, async || {
            let value = self.run(script, Vec::new()).await;
            (value == json!(true)).then_some(()).ok_or_else(|| value.to_string())
        })
        .await;
    }

    async fn until(&self, what: &str, mut attempt: impl AsyncFnMut() -> Result<(), String>) {
        let start = Instant::now();
        while let Err(instead) = attempt().await {
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}; there is {instead}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a script returns.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// The words of each of some elements.
    pub(crate) async fn all(&self, elements: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim())";
        serde_json::from_value(self.run(script, vec![json!(elements)]).await).unwrap()
    }

    /// Presses keys: letters, or those of [`fantoccini::key::Key`].
    pub(crate) async fn press(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    pub(crate) async fn click(&self, element: &str) {
        self.client
            .find(Locator::Css(element))
            .await
            .unwrap_or_else(|e| panic!("{element}: {e}"))
            .click()
            .await
            .unwrap();
    }

    pub(crate) async fn choose(&self, element: &str, value: &str) {
        self.client.find(Locator::Css(element)).await.unwrap().select_by_value(value).await.unwrap();
    }

    /// Looks at the page another way.
    pub(crate) async fn look(&self, look: Look) {
        let (width, height, phone) = if look == Look::Phone { (390, 844, true) } else { (1280, 860, false) };
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.chromium("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if look == Look::Dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.chromium("Emulation.setEmulatedMedia", features).await;
    }

    /// What is to be seen, as a PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let taken = self.chromium("Page.captureScreenshot", json!({"format": "png"})).await;
        let encoded = taken["data"].as_str().expect("a picture").to_owned();
        base64::engine::general_purpose::STANDARD.decode(encoded).unwrap()
    }

    /// What was complained of in the console since it was asked for last.
    pub(crate) async fn console(&self) -> Vec<String> {
        let lines = self.post("se/log", json!({"type": "browser"})).await;
        let serious = |line: &&Value| line["level"] == "SEVERE" || line["level"] == "WARNING";
        lines.as_array().unwrap().iter().filter(serious).map(ToString::to_string).collect()
    }

    /// A command of Chromium's own protocol.
    async fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.post("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// A command of the driver that fantoccini has no name for.
    async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{DRIVER}/session/{}/{path}", self.session);
        let request = Request::builder().method(Method::POST).uri(url).header("content-type", "application/json");
        let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await.expect("the driver answers");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }
}
