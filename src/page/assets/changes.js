// What changed lately, and how long it took until the last proxy had it.

import { h } from "./dom.js";
import { ago, count, duration, mark, object, some } from "./format.js";
import { listQuery, search, table } from "./table.js";

export const changes = {
  title: () => "Changes",
  ages: true,
  load: (ask, params) => ask(`changes?${listQuery(params)}`),
  said: ({ total, behind }) => `${some(total, "change")}, ${some(behind.length, "proxy", "proxies")} behind`,
  show: (part, context) =>
    h("section", {},
      h("h1", {}, "Changes"),
      h("p", { class: "lead" }, "Objects that changed lately, and how long it took from the change until the last proxy had said that it holds what follows from it. Objects that changed in one batch share their proxies."),
      part.behind.length > 0 && h("section", {}, h("h2", {}, `Proxies that have owed an answer for more than ${duration(part.behindAfterSeconds * 1000)}`),
        h("ul", { class: "rows" }, part.behind.map((of) => h("li", {}, mark("wait"), " ", h("a", { href: `#/proxy?id=${encodeURIComponent(of.proxy)}` }, of.proxy), ` ${duration(of.seconds * 1000)}`, h("span", { class: "dim" }, ` ${of.types.join(", ").toUpperCase()}`))))),
      h("div", { class: "bar" }, search("Search kind, namespace, name", context)),
      table("Changes", COLUMNS, part, context, (row) => `${row.revision} ${row.kind} ${row.namespace} ${row.name}`)),
};

const taken = ({ proxies, acknowledged, refused, left }) => {
  if (proxies === 0) return h("span", { class: "dim" }, "no proxy concerned");
  const sort = refused ? "bad" : acknowledged + left >= proxies ? "good" : "wait";
  return h("span", { class: "state" }, mark(sort), `${count(acknowledged)} of ${count(proxies)}`,
    refused > 0 && `, ${count(refused)} refused`, left > 0 && h("span", { class: "dim" }, `, ${count(left)} left`));
};

const took = (row) => (row.lastAckAfterSeconds === undefined ? "" : duration(row.lastAckAfterSeconds * 1000));

const COLUMNS = [
  { title: "Object", sort: "object", class: "wide", cell: (row) => object(row.kind, row.namespace, row.name) },
  { title: "What", cell: (row) => row.event },
  { title: "When", cell: (row) => ago(Date.parse(row.changedAt)) },
  { title: "Proxies", sort: "proxies", cell: taken },
  { title: "Last after", sort: "took", class: "number", cell: took },
  { title: "Waits for", class: "wide", cell: (row) => row.waitingFor.join(", ") },
];

/** The latest, in few words. */
export const latest = (rows) =>
  h("ul", { class: "rows" }, rows.map((row) => h("li", { "data-key": `${row.revision} ${row.kind} ${row.namespace} ${row.name}` }, object(row.kind, row.namespace, row.name), ` ${row.event} `, h("span", { class: "dim" }, ago(Date.parse(row.changedAt))), " ", taken(row), row.proxies > 0 && h("span", { class: "dim" }, ` ${took(row)}`))));
