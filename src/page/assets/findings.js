// What is wrong or odd in what users wrote.

import { h } from "./dom.js";
import { count, object, path, severity, some } from "./format.js";
import { choice, listQuery, search, table } from "./table.js";

export const findings = {
  title: () => "Findings",
  load: (ask, params) => ask(`findings?${listQuery(params, { namespace: params.get("namespace"), severity: params.get("severity") })}`),
  said: ({ counts }) => `${some(counts.error, "error")}, ${some(counts.warning, "warning")}, ${some(counts.info, "note")}`,
  show: (part, context) => {
    const { counts, namespaces } = part;
    const within = Object.entries(namespaces).map(([name, number]) => [name, `${name || "(none)"} (${count(number)})`]);
    const severities = ["error", "warning", "info"].map((name) => [name, `${name} (${count(counts[name])})`]);
    return h("section", {},
      h("h1", {}, "Findings"),
      h("p", { class: "lead" }, "An error: something written is not in force, or calls fail that follow it. A warning: something has no effect, or another than it seems. A note: odd, and works as written."),
      h("div", { class: "bar" }, search("Search object, field, text", context), choice("Namespace", "namespace", within, context), choice("Severity", "severity", severities, context)),
      table("Findings", COLUMNS, part, context, (row) => JSON.stringify(row)));
  },
};

const COLUMNS = [
  { title: "Severity", sort: "severity", cell: (row) => severity(row.severity) },
  { title: "Object", sort: "object", cell: (row) => [object(row.kind, row.namespace, row.name), row.file && h("div", { class: "dim small" }, `${row.file}:${row.line}`)] },
  { title: "Field", sort: "field", cell: (row) => path(row.field) },
  { title: "What", sort: "text", class: "wide prose", cell: (row) => [row.text, " ", h("span", { class: "dim small" }, row.code)] },
];
