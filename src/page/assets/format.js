// Values as people read them.

import { h, svg } from "./dom.js";

const whole = new Intl.NumberFormat("en");
const two = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

/** 12345 as 12,345. */
export const count = (number) => whole.format(number);

/** A number with its noun. */
export const some = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Calls a second. */
export const rate = (number) => (number >= 100 ? whole.format(Math.round(number)) : two.format(number));

/** Bytes, by powers of 1,024. */
export function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) [number, unit] = [number / 1024, unit + 1];
  return `${unit === 0 ? whole.format(Math.round(number)) : two.format(number)} ${units[unit]}`;
}

/** Milliseconds in one unit, two below an hour would be noise. */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const units = [["s", 1000], ["min", 60_000], ["h", 3_600_000], ["d", 86_400_000]];
  const [name, size] = units.findLast(([, size]) => ms >= size);
  return `${Math.floor(ms / size)} ${name}`;
}

/** A moment, as so long ago; exactly on its title. */
export function ago(ms) {
  const at = new Date(ms);
  return h("time", { datetime: at.toISOString(), title: at.toLocaleString() }, duration(Math.max(0, Date.now() - ms)), " ago");
}

const SHAPES = {
  good: ["circle", { cx: 8, cy: 8, r: 5 }],
  wait: ["path", { d: "M8 3a5 5 0 1 0 5 5h-5z" }],
  bad: ["path", { d: "M8 1.5 14.500 8 8 14.500 1.500 8z" }],
  warn: ["path", { d: "M8 2 15 14H1z" }],
  note: ["rect", { x: 4, y: 4, width: 8, height: 8, rx: 1 }],
  none: ["circle", { cx: 8, cy: 8, r: 4.5, class: "hollow" }],
};

/** A mark: each sort has a shape of its own, so that nobody depends on its colour. */
export function mark(sort, label) {
  const [tag, attributes] = SHAPES[sort];
  const name = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return svg("svg", { class: `mark ${sort}`, viewBox: "0 0 16 16", ...name }, svg(tag, attributes));
}

const STATES = { synced: "good", waiting: "wait", rejected: "bad", silent: "none" };

/** How far a proxy is: a mark, a word, and for how long it has been owing an answer. */
export const state = (of, lag = 0) =>
  h("span", { class: "state" }, mark(STATES[of]), of === "silent" ? "nothing sent" : of, lag > 0 && h("span", { class: "dim" }, ` ${duration(lag)}`));

/** The same for one type among several. */
export const chip = ({ type, state: of, lag }) =>
  h("span", { class: "chip", title: `${type.toUpperCase()}: ${of}${lag ? `, for ${duration(lag)}` : ""}` },
    mark(STATES[of]), type.toUpperCase(), h("span", { class: "unseen" }, ` ${of}`));

const SEVERITIES = { error: "bad", warning: "warn", info: "note" };

/** How much a finding matters. */
export const severity = (of) => h("span", { class: "state" }, mark(SEVERITIES[of]), of);

/** How many endpoints take calls. */
export function endpoints({ healthy, unhealthy }, known = true) {
  if (!known && healthy + unhealthy === 0) return h("span", { class: "dim" }, "not known here");
  const sort = unhealthy === 0 ? (healthy === 0 ? "none" : "good") : healthy === 0 ? "bad" : "warn";
  const words = unhealthy === 0 ? `${count(healthy)} healthy` : `${count(healthy)} of ${count(healthy + unhealthy)} healthy`;
  return h("span", { class: "state" }, mark(sort), words);
}

/** The path of a field, which may be broken behind its dots. */
export const path = (text) => h("code", {}, text.split(/(?<=\.)/).map((part, i) => [i > 0 && h("wbr"), part]));

/** An object: its kind, and where and how it is called. */
export const object = (kind, namespace, name) =>
  h("span", { class: "object" }, h("span", { class: "dim" }, kind), " ", namespace && `${namespace}/`, name);

/** Pairs as chips. */
export const labels = (all) =>
  Object.entries(all).map(([key, value]) => h("code", { class: "label" }, value === "" ? key : `${key}=${value}`));
