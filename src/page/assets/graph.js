// The drawing of who talks to whom. The server says in which layer and place each is.

import { h, svg } from "./dom.js";
import { bytes, rate } from "./format.js";

const WIDTH = 190;
const HEIGHT = 40;
const ACROSS = 96;
const DOWN = 18;
const EDGE = 12;
/** How many letters fit into a box. */
const LETTERS = 25;

/** A party's name for people. */
export function nameOf({ kind, name, namespace, host }) {
  if (kind === "anyone") return namespace ? `any workload of ${namespace}` : "any workload";
  if (kind === "workload") return `${namespace}/${name}`;
  return host ?? name;
}

/** Where more is told of a party. */
export const partyLink = ({ kind, host, namespace }) =>
  kind === "service" || kind === "external" ? `#/service?${new URLSearchParams({ host, namespace })}` : null;

/** The drawing. All of it is in the table too, so it is one picture for who cannot see it. */
export function graph({ nodes, edges }) {
  const tallest = Math.max(...nodes.map((node) => nodes.filter((other) => other.layer === node.layer).length));
  const at = nodes.map(({ layer, place }) => {
    const members = nodes.filter((other) => other.layer === layer).length;
    const shift = ((tallest - members) * (HEIGHT + DOWN)) / 2;
    return { x: EDGE + layer * (WIDTH + ACROSS), y: EDGE + shift + place * (HEIGHT + DOWN) };
  });
  const layers = 1 + Math.max(...nodes.map((node) => node.layer));
  const [width, height] = [layers * (WIDTH + ACROSS) - ACROSS + 2 * EDGE, tallest * (HEIGHT + DOWN) - DOWN + 2 * EDGE];
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "A drawing of the table below" },
    svg("defs", {}, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M0 0 8 4 0 8z" }))),
    edges.map((edge) => line(edge, at)), nodes.map((node, i) => box(node, at[i], i, edges)), edges.length <= 24 && edges.map((edge) => label(edge, at)));
  return h("div", { class: "graph", tabindex: "0", role: "region", "aria-label": "Drawing, may be scrolled" }, drawing);
}

/** From the right of the caller to the left of the callee; backwards, or within a layer, around. */
function course({ from, to }, at) {
  const [a, b] = [at[from], at[to]];
  const [x, y, u, v] = [a.x + WIDTH, a.y + HEIGHT / 2, b.x - 2, b.y + HEIGHT / 2];
  const reach = u > x ? (u - x) / 2 : 60;
  return { path: `M${x} ${y}C${x + reach} ${y} ${u - reach} ${v} ${u} ${v}`, x: (x + u) / 2, y: (y + v) / 2 };
}

const line = (edge, at) => svg("path", { class: edge.errors ? "edge failing" : "edge", d: course(edge, at).path, "marker-end": "url(#tip)", "data-key": `${edge.from}-${edge.to}`, "data-from": edge.from, "data-to": edge.to });

function label(edge, at) {
  const words = [edge.calls && `${rate(edge.calls)}/s`, edge.errors && `${rate(edge.errors)} failed`, edge.bytes && `${bytes(edge.bytes)}/s`].filter(Boolean).join(" · ");
  const { x, y } = course(edge, at);
  return words && svg("text", { class: "amount", x, y: y - 4, "text-anchor": "middle" }, words);
}

function box(party, { x, y }, i, edges) {
  const full = nameOf(party);
  // Of a long name the beginning tells most: services of one cluster all end alike.
  const short = full.replace(/\.svc\.cluster\.local$/, "");
  const name = short.length > LETTERS ? `${short.slice(0, LETTERS - 1)}…` : short;
  const href = partyLink(party);
  const inner = svg("g", { class: `party ${party.kind}` }, svg("title", {}, full),
    svg("rect", { x, y, width: WIDTH, height: HEIGHT, rx: party.kind === "external" ? 20 : 5 }),
    svg("text", { x: x + 12, y: y + 17 }, name), svg("text", { class: "kind", x: x + 12, y: y + 31 }, party.kind === "anyone" ? "without a Sidecar" : party.kind));
  const node = href ? svg("a", { href, "data-key": `n${i}` }, inner) : svg("g", { "data-key": `n${i}` }, inner);
  const own = () => [...node.ownerSVGElement.querySelectorAll(".edge")].filter((path) => path.dataset.from === String(i) || path.dataset.to === String(i));
  const light = (on) => () => own().forEach((path) => path.classList.toggle("lit", on));
  if (edges.length > 1) {
    node.addEventListener("pointerenter", light(true));
    node.addEventListener("pointerleave", light(false));
    node.addEventListener("focusin", light(true));
    node.addEventListener("focusout", light(false));
  }
  return node;
}
