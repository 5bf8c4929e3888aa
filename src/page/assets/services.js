// What can be called, and what applies to it.

import { h } from "./dom.js";
import { endpoints, labels, mark, object, path, severity, some } from "./format.js";
import { pair } from "./overview.js";
import { listQuery, search, table } from "./table.js";

const link = (host, namespace) => `#/service?${new URLSearchParams({ host, namespace })}`;

const known = (row) => row.resolution.startsWith("endpoints") || row.resolution.startsWith("each");

export const services = {
  title: () => "Services",
  load: (ask, params) => ask(`services?${listQuery(params)}`),
  show: (part, context) =>
    h("section", {},
      h("h1", {}, "Services"),
      h("div", { class: "bar" }, search("Search host, namespace, object", context)),
      table("Services", COLUMNS, part, context, (row) => `${row.namespace} ${row.host}`)),
};

const ports = (all) => h("span", { class: "chips" }, all.map((port) => h("span", { class: "chip", title: port.name }, String(port.number), h("span", { class: "dim" }, ` ${port.protocol === "UnsupportedProtocol" ? "detected" : port.protocol}`))));

const COLUMNS = [
  { title: "Host", sort: "host", class: "wide", cell: (row) => h("a", { href: link(row.host, row.namespace) }, row.host) },
  { title: "Namespace", sort: "namespace", cell: (row) => row.namespace },
  { title: "Defined by", sort: "kind", cell: (row) => [row.kind, row.external && h("span", { class: "dim" }, " outside")] },
  { title: "Ports", cell: (row) => ports(row.ports) },
  { title: "Endpoints", sort: "endpoints", cell: (row) => endpoints(row.endpoints, known(row)) },
  { title: "Addresses", cell: (row) => h("span", { class: "code" }, row.addresses.join(" ")) },
];

export const service = {
  title: (params) => params.get("host") ?? "Service",
  part: "services",
  up: () => "#/services",
  load: (ask, params) => ask(`service?${listQuery(params, { host: params.get("host") ?? "", namespace: params.get("namespace") ?? "" })}`),
  said: (one) => `${one.endpoints.healthy} healthy, ${one.endpoints.unhealthy} not`,
  show: (one, context) =>
    h("section", {},
      h("p", { class: "crumbs" }, h("a", { href: "#/services" }, "Services"), " / ", one.namespace),
      h("h1", {}, one.host),
      h("dl", { class: "pairs spread" },
        pair("Defined by", object(one.kind, one.namespace, one.object)), pair("Ports", ports(one.ports)), pair("Endpoints", endpoints(one.endpoints, known(one))),
        pair("Found", one.resolution), pair("Addresses", h("span", { class: "code" }, one.addresses.join(" ") || "none")),
        pair("Seen by", one.seenBy === null ? "every namespace" : one.seenBy.join(", ") || "nobody"),
        one.aliases.length > 0 && pair("Also called", one.aliases.join(", ")),
        one.others.length > 0 && pair("Also defined in", one.others.join(", ")),
        Object.keys(one.selector).length > 0 && pair("Selects", labels(one.selector))),
      one.findings.length > 0 && h("section", {}, h("h2", {}, "Findings"),
        h("ul", { class: "rows" }, one.findings.map((f) => h("li", {}, severity(f.severity), " ", object(f.kind, f.namespace, f.name), " ", f.field && path(f.field), ` ${f.text}`)))),
      h("h2", {}, "VirtualServices for it"),
      one.routes.length === 0 ? h("p", { class: "nothing" }, "None: calls go to its endpoints.") :
        h("ul", { class: "rows" }, one.routes.map((route) => h("li", {}, h("b", {}, object("", route.namespace, route.name)), " ",
          force(route.inForce, `sidecars in ${one.namespace} use it`, `sidecars in ${one.namespace} do not use it`), h("br"),
          h("span", { class: "dim" }, "for ", route.gateways.join(", "), route.destinations.length > 0 && " → "), h("span", { class: "code" }, route.destinations.join(", "))))),
      h("h2", {}, "DestinationRules for it"),
      one.rules.length === 0 ? h("p", { class: "nothing" }, "None: the mesh’s defaults hold.") :
        h("ul", { class: "rows" }, one.rules.map((rule) => h("li", {}, rule.objects.map(([namespace, name]) => [h("b", {}, object("", namespace, name)), " "]),
          force(rule.inForce, `in force for callers in ${one.namespace}`, `not in force for callers in ${one.namespace}`), h("br"),
          h("span", { class: "dim" }, `for ${rule.host}`, rule.subsets.length > 0 && `, ${some(rule.subsets.length, "subset")}: ${rule.subsets.join(", ")}`, rule.callers && ", for some callers alone")))),
      h("h2", {}, "Endpoints"),
      h("div", { class: "bar" }, search("Search address, workload", context)),
      table("Endpoints", BACKENDS, one.backends, context, (row) => `${row.address} ${row.port} ${row.of}`)),
};

const force = (is, yes, no) => h("span", { class: is ? "state" : "state dim" }, mark(is ? "good" : "none"), is ? yes : no);

const BACKENDS = [
  { title: "Address", cell: (row) => h("span", { class: "code" }, row.port ? `${row.address}:${row.port}` : row.address) },
  { title: "Port", cell: (row) => String(row.of) },
  { title: "State", cell: (row) => h("span", { class: "state" }, mark(row.healthy ? "good" : "bad"), row.health) },
  { title: "Workload", cell: (row) => row.workload },
  { title: "Locality", cell: (row) => row.locality },
  { title: "Node", cell: (row) => row.node },
];
