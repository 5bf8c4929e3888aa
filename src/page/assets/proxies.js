// Who is connected, and how far each is.

import { h } from "./dom.js";
import { ago, chip, some, state } from "./format.js";
import { listQuery, search, table } from "./table.js";

export const KINDS = { istio: "Istio’s proxy", stock: "stock Envoy" };

export const proxyLink = (id) => `#/proxy?id=${encodeURIComponent(id)}`;

export const proxies = {
  title: () => "Proxies",
  ages: true,
  load: (ask, params) => ask(`proxies?${listQuery(params)}`),
  said: ({ tally }) => `${some(tally.total, "proxy", "proxies")}, ${tally.waiting} waiting, ${tally.rejected} rejecting`,
  show: (part, context) =>
    h("section", {},
      h("h1", {}, "Proxies"),
      h("p", { class: "lead" }, `${some(part.tally.total, "proxy", "proxies")}: ${part.tally.synced} synced, ${part.tally.waiting} waiting, ${part.tally.rejected} rejecting.`),
      h("div", { class: "bar" }, search("Search name, namespace, version, kind", context)),
      table("Connected proxies", COLUMNS, part, context, (row) => row.id)),
};

const COLUMNS = [
  { title: "Name", sort: "name", cell: (row) => [h("a", { href: proxyLink(row.id) }, row.name), row.role !== "sidecar" && h("span", { class: "dim" }, ` ${row.role}`)] },
  { title: "Namespace", sort: "namespace", cell: (row) => row.namespace },
  { title: "Kind", sort: "kind", cell: (row) => KINDS[row.kind] },
  { title: "Version", sort: "version", cell: (row) => row.version || h("span", { class: "dim" }, "not told") },
  { title: "Connected", sort: "connected", cell: (row) => ago(row.connected) },
  { title: "State", sort: "state", cell: (row) => state(row.state, row.lag) },
  { title: "Types", class: "wide", cell: (row) => h("span", { class: "chips" }, row.types.map(chip)) },
];
