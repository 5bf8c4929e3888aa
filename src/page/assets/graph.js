// The drawing of who talks to whom. The server says in which layer and place each is.

import { h, svg } from "./dom.js";
import { bytes, rate } from "./format.js";

const WIDTH = 200;
const HEIGHT = 40;
const ACROSS = 80;
const DOWN = 18;
const EDGE = 12;
/** How many letters fit into a box. */
const LETTERS = 24;

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
export function graph({ nodes, edges, layers }) {
  const tallest = Math.max(...layers);
  const spot = (layer, place) => ({ x: EDGE + layer * (WIDTH + ACROSS), y: EDGE + ((tallest - layers[layer]) / 2 + place) * (HEIGHT + DOWN) });
  const at = nodes.map(({ layer, place }) => spot(layer, place));
  const courses = edges.map((edge) => course(at[edge.from], edge.via.map(([layer, place]) => spot(layer, place)), at[edge.to]));
  const [width, height] = [layers.length * (WIDTH + ACROSS) - ACROSS + 2 * EDGE, tallest * (HEIGHT + DOWN) - DOWN + 2 * EDGE];
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "A drawing of the table below" },
    svg("defs", {}, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M0 0 8 4 0 8z" }))),
    edges.map((edge, i) => line(edge, courses[i])), nodes.map((node, i) => box(node, at[i], i, edges)), edges.length <= 24 && edges.map((edge, i) => label(edge, courses[i])));
  return h("div", { class: "graph", tabindex: "0", role: "region", "aria-label": "Drawing, may be scrolled" }, drawing);
}

/** From the right of the caller through the places on the way to the left of the callee; backwards, around. */
function course(from, via, to) {
  let [x, y] = [from.x + WIDTH, from.y + HEIGHT / 2];
  let path = `M${x} ${y}`;
  const middle = {};
  for (const next of [...via, { ...to, x: to.x - 2 }]) {
    const [u, v] = [next.x, next.y + HEIGHT / 2];
    const reach = u > x ? (u - x) / 2 : 60;
    path += `C${x + reach} ${y} ${u - reach} ${v} ${u} ${v}`;
    Object.assign(middle, { x: (x + u) / 2, y: (y + v) / 2 });
    [x, y] = [u, v];
    if (via.includes(next)) path += `h${WIDTH}`, (x += WIDTH);
  }
  return { path, ...middle };
}

const line = (edge, { path }) => svg("path", { class: edge.errors ? "edge failing" : "edge", d: path, "marker-end": "url(#tip)", "data-key": `${edge.from}-${edge.to}`, "data-from": edge.from, "data-to": edge.to });

function label(edge, { x, y }) {
  const words = [edge.calls && `${rate(edge.calls)}/s`, edge.errors && `${rate(edge.errors)} failed`, edge.bytes && `${bytes(edge.bytes)}/s`].filter(Boolean).join(" · ");
  return words && svg("text", { class: "amount", x, y: y - 4, "text-anchor": "middle" }, words);
}

function box(party, { x, y }, i, edges) {
  const full = nameOf(party);
  // Of a long name the beginning tells most: services of one cluster all end alike.
  const short = full.replace(/\.svc\.cluster\.local$/, "");
  const name = short.length > LETTERS ? `${short.slice(0, LETTERS - 1)}…` : short;
  const href = partyLink(party);
  const inner = svg("g", { class: `party ${party.kind}` }, svg("title", {}, full),
    svg("rect", { x, y, width: WIDTH, height: HEIGHT, rx: party.kind === "external" ? 14 : 5 }),
    svg("text", { x: x + 14, y: y + 17 }, name), svg("text", { class: "kind", x: x + 14, y: y + 31 }, party.kind === "anyone" ? "without a Sidecar" : party.kind));
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
