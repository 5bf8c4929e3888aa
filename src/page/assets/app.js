// Where one is, what is asked for it, and when it is asked again.

import { h, morph } from "./dom.js";
import { changes } from "./changes.js";
import { compare, lines } from "./compare.js";
import { findings } from "./findings.js";
import { overview } from "./overview.js";
import { proxies } from "./proxies.js";
import { proxy, resource } from "./proxy.js";
import { service, services } from "./services.js";
import { talk } from "./talk.js";

/** How long after an answer the next is asked for. */
const PAUSE = 5000;

/**
 * A view has `title(params)`, `load(ask, params)`, which asks for its data, `show(data, context)`, which makes its content,
 * perhaps `said(data)`, a sentence that is spoken when it changes, and `up(params)`, where Esc leads.
 */
const VIEWS = { "": overview, proxies, proxy, resource, compare, lines, services, service, findings, changes, talk };

const main = document.getElementById("main");
const live = document.getElementById("live");
const said = document.getElementById("said");

let place = null;
let shown = "";
let spoken = "";
let paused = false;
let timer = 0;
let asking = new AbortController();

/** The view and its parameters, from the address: `#/proxies?q=web`. */
function read() {
  const { hash } = location;
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  return { hash, name: Object.hasOwn(VIEWS, path) ? path : "", params: new URLSearchParams(query ?? "") };
}

/** Changes parameters of the address; null takes one out. `quietly` leaves no step to go back to. */
function go(changes, quietly = false) {
  const { name, params } = read();
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) params.delete(key);
    else params.set(key, value);
  }
  const query = params.toString();
  const hash = `#/${name}${query ? `?${query}` : ""}`;
  if (quietly) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
  arrive();
}

async function ask(path) {
  const answer = await fetch(`api/${path}`, { signal: asking.signal });
  const data = await answer.json().catch(() => ({ error: `the answer was ${answer.status} ${answer.statusText}` }));
  if (!answer.ok) throw new Error(data.error);
  return data;
}

/** Shows where the address leads. */
function arrive() {
  const before = place;
  place = read();
  main.setAttribute("aria-busy", "true");
  if (before?.name !== place.name) {
    shown = "";
    spoken = "";
    main.replaceChildren(h("p", { class: "nothing" }, "Loading …"));
    window.scrollTo(0, 0);
  }
  document.title = `${VIEWS[place.name].title(place.params)} · mizzen`;
  for (const link of document.querySelectorAll("#views a")) {
    const current = link.getAttribute("href") === `#/${VIEWS[place.name].part ?? place.name}`;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  // Whoever came by a link is at its heading; whoever narrows a list stays in the field.
  refresh(before !== null && before.name !== place.name);
}

async function refresh(arrived = false) {
  clearTimeout(timer);
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const { hash, name, params } = place;
  const view = VIEWS[name];
  try {
    const data = await view.load(ask, params);
    if (signal.aborted) return;
    const text = JSON.stringify(data) + params;
    // Nothing is touched where nothing changed, but for how long ago things were.
    if (text !== shown || view.ages) show(view.show(data, { params, go, now: () => read().params }));
    shown = text;
    speak(view.said?.(data) ?? "");
    live.classList.remove("lost");
  } catch (error) {
    if (signal.aborted) return;
    shown = "";
    live.classList.add("lost");
    show(h("section", {}, h("h1", {}, view.title(params)), h("p", { class: "failure", role: "alert" }, "This cannot be shown: ", error.message, ".")));
  }
  main.removeAttribute("aria-busy");
  // Which address this is of: tests wait for it.
  main.dataset.shows = hash;
  if (arrived) main.querySelector("h1")?.focus({ preventScroll: true });
  if (!paused && !signal.aborted) timer = setTimeout(whenSeen, PAUSE);
}

/** Nobody is asked for what nobody sees. */
function whenSeen() {
  if (document.hidden) document.addEventListener("visibilitychange", () => refresh(), { once: true });
  else refresh();
}

function show(content) {
  content.querySelector("h1")?.setAttribute("tabindex", "-1");
  content.setAttribute("data-key", place.name);
  if (main.firstElementChild) morph(main.firstElementChild, content);
  else main.replaceChildren(content);
}

/** Says what changed; not what was there when one came. */
function speak(sentence) {
  if (spoken && spoken !== sentence) said.textContent = sentence;
  spoken = sentence;
}

function pause() {
  paused = !paused;
  live.setAttribute("aria-pressed", String(paused));
  document.getElementById("live-text").textContent = paused ? "Paused" : "Live";
  clearTimeout(timer);
  if (!paused) refresh();
}

function onKey(event) {
  const field = event.target.closest?.("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (field?.type === "search" && field.value) go({ q: (field.value = "") || null, offset: null }, true);
    else if (field) field.blur();
    else if (VIEWS[place.name].up) location.hash = VIEWS[place.name].up(place.params);
  } else if (event.key === "/" && !field) {
    event.preventDefault();
    document.getElementById("search")?.focus();
  } else if (event.key === "p" && !field) pause();
}

live.onclick = pause;
document.addEventListener("keydown", onKey);
document.getElementById("skip").onclick = (event) => {
  event.preventDefault();
  main.focus();
};
window.addEventListener("hashchange", () => {
  // Whoever goes back finds the words of that time in the field, even while it has the focus.
  const field = document.getElementById("search");
  if (field) field.value = read().params.get("q") ?? "";
  arrive();
});
arrive();
