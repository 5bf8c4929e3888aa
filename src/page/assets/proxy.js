// One proxy: what it says of itself, what it holds, and one of its resources.

import { h } from "./dom.js";
import { ago, bytes, chip, count, labels, object, state } from "./format.js";
import { pair } from "./overview.js";
import { KINDS, proxyLink } from "./proxies.js";
import { listQuery, search, table } from "./table.js";

const TYPES = { cds: "Clusters", eds: "Endpoints", lds: "Listeners", rds: "Routes", sds: "Secrets", ecds: "Extensions", nds: "Names" };

/** A type's name for people. */
export const typeName = (type) => TYPES[type] ?? type;

/** The name of a resource; a name table has none. */
export const resourceName = (name) => name || "(the name table)";

const query = (params) => new URLSearchParams(params).toString();

export const proxy = {
  title: (params) => params.get("id") ?? "Proxy",
  part: "proxies",
  ages: true,
  up: () => "#/proxies",
  load: async (ask, params) => {
    const id = params.get("id") ?? "";
    const one = await ask(`proxy?${query({ id })}`);
    const type = params.get("type") ?? one.holds[0]?.type;
    const part = type && (await ask(`holdings?${listQuery(params, { id, type })}`));
    return { one, type, part };
  },
  said: ({ one }) => `${one.name}: ${one.state}`,
  show: ({ one, type, part }, context) => {
    const columns = [
      { title: "Resource", sort: "name", class: "wide", cell: (row) => h("a", { class: "code", href: `#/resource?${query({ id: one.id, type, name: row.name })}` }, resourceName(row.name)) },
      { title: "Version", cell: (row) => h("code", { class: "dim", title: row.version }, row.version.slice(0, 8)) },
      { title: "Size", sort: "bytes", class: "number", cell: (row) => bytes(row.bytes) },
    ];
    return h("section", {},
      h("p", { class: "crumbs" }, h("a", { href: "#/proxies" }, "Proxies"), " / ", one.namespace),
      h("h1", {}, one.name),
      h("p", { class: "standing" }, state(one.state, one.lag), " ", h("a", { href: `#/compare?${query({ a: one.id })}` }, "Compare with another")),
      one.holds.filter((of) => of.refusal).map(refusal),
      h("dl", { class: "pairs spread" },
        pair("Kind", KINDS[one.kind]), pair("Version", one.version || "not told"), pair("Role", one.role), pair("Connected", ago(one.connected)),
        pair("Address", one.address === "@" ? "a UNIX socket" : one.address), pair("Protocol", one.protocol), pair("Locality", one.locality || "not told")),
      Object.keys(one.labels).length > 0 && h("p", { class: "labels" }, labels(one.labels)),
      h("details", { "data-key": "says" }, h("summary", {}, "All that it says of itself"), json(one.metadata, "Metadata")),
      h("h2", {}, "What it holds"),
      h("ul", { class: "tabs" }, one.holds.map((of) =>
        h("li", { "data-key": of.type }, h("a", { href: `#/proxy?${query({ id: one.id, type: of.type })}`, "aria-current": of.type === type ? "true" : null },
          `${typeName(of.type)} `, h("span", { class: "dim" }, count(of.resources)), " ", chip(of))))),
      part && standing(one.holds.find((of) => of.type === type)),
      part && h("div", { class: "bar" }, search(`Search ${typeName(type).toLowerCase()}`, context)),
      part && table(`${typeName(type)} that ${one.name} holds`, columns, part, context, (row) => `r ${row.name}`));
  },
};

const standing = (of) =>
  h("p", { class: "lead" }, state(of.state, of.lag), ` · ${count(of.resources)} resources, ${bytes(of.bytes)}`, of.sent && [" · sent last ", ago(of.sent)], of.version && [" · ", h("code", { class: "dim" }, of.version)]);

const refusal = (of) =>
  h("div", { class: "failure", role: "alert" }, h("strong", {}, `It refuses ${typeName(of.type).toLowerCase()}`), of.refusal.names.length > 0 && [": ", namesOf(of.refusal.names)],
    h("pre", { tabindex: "0" }, of.refusal.message), of.refusal.cause && h("p", {}, "It follows from ", of.refusal.cause, "."));

/** How many objects or resources are named at once. */
const MANY = 40;

/** The resources of a refused response, which may be all that there are. */
const namesOf = (all) => `${all.slice(0, MANY).map(resourceName).join(", ")}${all.length > MANY ? ` and ${count(all.length - MANY)} more` : ""}`;

/** The objects that a resource follows from. */
function origins(all) {
  if (all.length === 0) return h("span", { class: "dim" }, "no object: the proxy is about to lose it");
  return h("span", { class: "origins" }, all.slice(0, MANY).map(({ kind, namespace, name }) => object(kind, namespace, name)),
    all.length > MANY && h("span", { class: "dim" }, ` and ${count(all.length - MANY)} more`));
}

export const resource = {
  title: (params) => resourceName(params.get("name")),
  part: "proxies",
  up: (params) => `#/proxy?${query({ id: params.get("id"), type: params.get("type") })}`,
  load: (ask, params) => ask(`resource?${query({ id: params.get("id") ?? "", type: params.get("type") ?? "", name: params.get("name") ?? "" })}`),
  show: (shown, { params }) => {
    const [id, type] = [params.get("id"), params.get("type")];
    return h("section", {},
      h("p", { class: "crumbs" }, h("a", { href: "#/proxies" }, "Proxies"), " / ", h("a", { href: proxyLink(id) }, id), " / ",
        h("a", { href: `#/proxy?${query({ id, type })}` }, typeName(type))),
      h("h1", { class: "code" }, resourceName(shown.name)),
      h("dl", { class: "pairs spread" }, pair("Version", h("code", {}, shown.version)), pair("Size", bytes(shown.bytes)),
        pair("Made from", origins(shown.origins))),
      json(shown.json, "The resource as JSON"));
  },
};

/** How many lines are coloured; more would cost more than they help. */
const COLOURED = 4000;

function json(value, label) {
  const lines = JSON.stringify(value, null, 2).split("\n");
  const body = lines.length > COLOURED ? lines.join("\n") : lines.map(line);
  return h("pre", { class: "json", tabindex: "0", role: "region", "aria-label": label }, body);
}

/** A line with its field told apart from its value. */
function line(text) {
  const [, indent, field, rest] = /^(\s*)("(?:[^"\\]|\\.)*")(:.*)$/.exec(text) ?? [];
  return field ? [indent, h("span", { class: "field" }, field), rest, "\n"] : [text, "\n"];
}
