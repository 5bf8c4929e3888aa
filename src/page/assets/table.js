// A list of which the server sends a page at a time, searched and sorted there.

import { h } from "./dom.js";
import { count } from "./format.js";

/** The parameters by which a list is asked for, from those of the address. */
export function listQuery(params, more = {}) {
  const query = new URLSearchParams();
  for (const name of ["q", "sort", "offset"]) if (params.get(name)) query.set(name, params.get(name));
  for (const [name, value] of Object.entries(more)) if (value !== null && value !== undefined) query.set(name, value);
  return query.toString();
}

/** The field by which a list is searched; `/` leads to it. */
export function search(label, { params, go }) {
  let timer = 0;
  const asked = (event) => {
    const { value } = event.target;
    const here = location.hash;
    clearTimeout(timer);
    // Not for a place to which somebody has gone meanwhile.
    timer = setTimeout(() => here === location.hash && go({ q: value || null, offset: null }, true), 150);
  };
  return h("div", { class: "search" },
    h("label", { class: "unseen", for: "search" }, label),
    h("input", { id: "search", type: "search", placeholder: label, autocomplete: "off", spellcheck: "false", value: params.get("q") ?? "", oninput: asked, "data-key": "search" }));
}

/** A choice that the address remembers. */
export function choice(label, name, options, { params, go }) {
  const id = `choose-${name}`;
  const now = params.get(name);
  return h("label", { class: "choice" }, h("span", {}, label),
    h("select", { id, "data-key": id, onchange: (event) => go({ [name]: event.target.value === "*" ? null : event.target.value, offset: null }) },
      h("option", { value: "*" }, "all"),
      options.map(([value, text]) => h("option", { value, selected: value === now }, text))));
}

/**
 * The table. A column has a title, `cell(row)`, and `sort`, its name at the server, if it can be sorted by. The first is the
 * row's heading. Roles are said again since on narrow screens rows are shown as cards, which takes them away in browsers.
 */
export function table(caption, columns, part, context, key) {
  const { params } = context;
  const head = columns.map((column) => heading(column, context));
  const body = part.rows.map((row) =>
    h("tr", { role: "row", "data-key": key(row) }, columns.map((column, i) => {
      const role = i === 0 ? { role: "rowheader", scope: "row" } : { role: "cell" };
      return h(i === 0 ? "th" : "td", { ...role, "data-title": column.title, class: column.class }, h("div", {}, column.cell(row)));
    })));
  const nothing = params.get("q") ? "Nothing has these words." : "There is nothing here.";
  return h("div", { class: "list" },
    h("table", { role: "table" }, h("caption", { class: "unseen" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)), h("tbody", { role: "rowgroup" }, body)),
    part.rows.length === 0 && h("p", { class: "nothing" }, nothing),
    pages(part, context));
}

/** In which direction a list is sorted by a column. */
const directionOf = (sort, params) => ({ [sort]: "ascending", [`-${sort}`]: "descending" })[params.get("sort") ?? ""] ?? null;

function heading({ title, sort, class: name }, { params, go, now }) {
  const direction = sort ? directionOf(sort, params) : null;
  // By the address of now: whoever presses twice may be faster than the answer.
  const next = () => ({ ascending: `-${sort}`, descending: null, null: sort })[directionOf(sort, now())];
  const arrow = { ascending: "▲", descending: "▼" }[direction] ?? "↕";
  const button = () => h("button", { type: "button", "data-key": `sort-${sort}`, onclick: () => go({ sort: next(), offset: null }) },
    title, h("span", { class: "arrow", "aria-hidden": "true" }, arrow));
  return h("th", { role: "columnheader", scope: "col", "aria-sort": direction, class: [name, sort ? "sorts" : "plain"].filter(Boolean).join(" ") }, sort ? button() : title);
}

function pages({ offset, matching, total, rows }, { go }) {
  const size = 50;
  const found = matching === total ? (matching > rows.length ? count(total) : `${count(total)} in all`) : `${count(matching)} found of ${count(total)}`;
  const words = matching > rows.length ? `${count(offset + 1)}–${count(offset + rows.length)} of ${found}` : found;
  const step = (title, to, key) =>
    h("button", { type: "button", "data-key": key, disabled: to === null, onclick: () => go({ offset: to || null }) }, title);
  if (matching <= rows.length) return h("p", { class: "pages" }, h("span", { class: "found" }, words));
  return h("nav", { class: "pages", "aria-label": "Pages of the list" },
    step("Previous", offset > 0 ? Math.max(0, offset - size) : null, "previous"), h("span", { class: "found" }, words),
    step("Next", offset + rows.length < matching ? offset + size : null, "next"));
}
