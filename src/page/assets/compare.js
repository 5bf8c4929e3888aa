// What two proxies hold differently.

import { h } from "./dom.js";
import { count, some } from "./format.js";
import { resourceName, typeName } from "./proxy.js";
import { listQuery, search, table } from "./table.js";

const query = (params) => new URLSearchParams(params).toString();

export const compare = {
  title: () => "Compare",
  load: async (ask, params) => {
    const proxies = await ask("proxies?limit=500&sort=name");
    const [a, b] = [params.get("a"), params.get("b")];
    const found = a && b ? await ask(`compare?${listQuery(params, { a, b, type: params.get("type") })}`) : null;
    return { names: proxies.rows.map(({ id }) => id), found };
  },
  show: ({ names, found }, context) => {
    const { params } = context;
    const [a, b, type] = [params.get("a"), params.get("b"), params.get("type")];
    return h("section", {},
      h("h1", {}, "Compare two proxies"),
      h("p", { class: "lead" }, "What each holds, by name and content: two that should be alike, or one that behaves and one that does not."),
      h("div", { class: "bar two" }, pick("First", "a", names, context), pick("Second", "b", names, context)),
      found ? [
        counts(found, a, b, type),
        h("div", { class: "bar" }, search("Search resources", context)),
        table("Resources that are not the same", [
          { title: "Resource", sort: "name", class: "wide", cell: (row) => h("a", { class: "code", href: `#/lines?${query({ a, b, type: row.type, name: row.name })}` }, resourceName(row.name)) },
          { title: "Type", sort: "type", cell: (row) => typeName(row.type) },
          { title: "Where", sort: "differs", cell: (row) => where(row) },
        ], found, context, (row) => `${row.type} ${row.name}`),
      ] : h("p", { class: "nothing" }, "Choose two proxies."));
  },
};

function where({ a, b }) {
  if (a && b) return h("span", { class: "where" }, h("b", { "aria-hidden": "true" }, "≠"), " different");
  return a ? h("span", { class: "where gone" }, h("b", { "aria-hidden": "true" }, "−"), " only in the first") : h("span", { class: "where come" }, h("b", { "aria-hidden": "true" }, "+"), " only in the second");
}

function pick(label, name, names, { params, go }) {
  const now = params.get(name) ?? "";
  const all = now && !names.includes(now) ? [now, ...names] : names;
  return h("label", { class: "choice" }, h("span", {}, label),
    h("select", { "data-key": name, onchange: (event) => go({ [name]: event.target.value || null, offset: null }) },
      h("option", { value: "" }, "choose …"), all.map((id) => h("option", { value: id, selected: id === now }, id))));
}

/** How many resources of each type are where; a type leads to its own. */
function counts({ types }, a, b, type) {
  const link = (of, text) => h("a", { href: `#/compare?${query(of ? { a, b, type: of } : { a, b })}`, "aria-current": (of ?? null) === type ? "true" : null }, text);
  const cell = (title, number, name) => h("td", { role: "cell", "data-title": title, class: number ? `number ${name}` : "number dim" }, count(number));
  return h("table", { role: "table", class: "counts" },
    h("caption", { class: "unseen" }, "How many resources are the same"),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["Type", "Same", "Different", "Only first", "Only second"].map((title, i) => h("th", { role: "columnheader", scope: "col", class: i ? "number" : null }, title)))),
    h("tbody", { role: "rowgroup" }, types.map((of) => h("tr", { role: "row", "data-key": of.type },
      h("th", { role: "rowheader", scope: "row", "data-title": "Type" }, link(of.type, typeName(of.type)), of.type === type && [" ", link(null, "(show all)")]),
      cell("Same", of.same, ""), cell("Different", of.different, ""), cell("Only first", of.onlyA, "gone"), cell("Only second", of.onlyB, "come")))));
}

/** How many lines are shown of two resources that have little in common. */
const MOST = 3000;

export const lines = {
  title: (params) => `Differences of ${resourceName(params.get("name"))}`,
  part: "compare",
  up: (params) => `#/compare?${query({ a: params.get("a"), b: params.get("b") })}`,
  load: (ask, params) => ask(`lines?${query({ a: params.get("a") ?? "", b: params.get("b") ?? "", type: params.get("type") ?? "", name: params.get("name") ?? "" })}`),
  show: (hunks, { params }) => {
    const [a, b, type, name] = ["a", "b", "type", "name"].map((key) => params.get(key));
    const changed = hunks.flat();
    const number = (only) => changed.filter((line) => line[only] === null).length;
    return h("section", {},
      h("p", { class: "crumbs" }, h("a", { href: `#/compare?${query({ a, b })}` }, "Compare"), " / ", h("a", { href: `#/compare?${query({ a, b, type })}` }, typeName(type))),
      h("h1", { class: "code" }, resourceName(name)),
      h("p", { class: "lead" }, h("span", { class: "gone" }, h("b", {}, "−"), ` ${count(number("b"))} lines only in ${a}`), h("br"), h("span", { class: "come" }, h("b", {}, "+"), ` ${count(number("a"))} lines only in ${b}`)),
      hunks.length === 0 && h("p", { class: "nothing" }, "Both hold the same, or neither holds it."),
      h("div", { class: "diff", tabindex: "0", role: "region", "aria-label": "Lines that differ" }, first(MOST, hunks).map((hunk) => h("table", { role: "table" }, h("tbody", { role: "rowgroup" }, hunk.map(row))))),
      changed.length > MOST && h("p", { class: "nothing" }, `${some(changed.length - MOST, "more line")} are not shown.`));
  },
};

function first(most, hunks) {
  const some = [];
  for (let i = 0; i < hunks.length && most > 0; most -= hunks[i++].length) some.push(hunks[i].slice(0, most));
  return some;
}

function row({ a, b, text }) {
  const [sign, name, word] = a === null ? ["+", "come", "only in the second: "] : b === null ? ["−", "gone", "only in the first: "] : [" ", "", ""];
  return h("tr", { role: "row", class: name }, h("td", { role: "cell", class: "at" }, a ?? ""), h("td", { role: "cell", class: "at" }, b ?? ""),
    h("td", { role: "cell" }, word && h("span", { class: "unseen" }, word), h("span", { "aria-hidden": "true" }, sign), ` ${text}`));
}
