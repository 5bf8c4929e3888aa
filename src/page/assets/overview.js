// How everything stands.

import { latest } from "./changes.js";
import { h } from "./dom.js";
import { count, endpoints, mark, some, state } from "./format.js";

export const overview = {
  title: () => "Overview",
  ages: true,
  load: async (ask) => {
    const [all, proxies, { rows: changes }] = await Promise.all([ask("overview"), ask("proxies?sort=-state&limit=8"), ask("changes?limit=6")]);
    return { ...all, changes, behind: proxies.rows.filter((row) => row.state === "waiting" || row.state === "rejected") };
  },
  said: ({ proxies, findings }) =>
    `${some(proxies.total, "proxy", "proxies")}, ${proxies.waiting} waiting, ${proxies.rejected} rejecting; ${some(findings.error, "error")}`,
  show,
};

function show(all) {
  const { proxies, findings } = all;
  return h("section", {},
    h("h1", {}, "Overview"),
    h("p", { class: "standing" }, mark(all.ready ? "good" : "wait"),
      all.ready ? "Ready: proxies are served." : `Not ready yet: waiting for ${all.missing.join(", ")}.`),
    h("ul", { class: "tiles" },
      tile("#/proxies", "Proxies", proxies.total, [
        part("good", proxies.synced, "synced"), part("wait", proxies.waiting, "waiting"), part("bad", proxies.rejected, "rejecting")]),
      tile("#/services", "Services", all.services, [endpoints(all.endpoints)]),
      tile("#/findings", "Findings", findings.error + findings.warning + findings.info, [
        part("bad", findings.error, "error", "errors"), part("warn", findings.warning, "warning", "warnings"), part("note", findings.info, "note", "notes")])),
    all.behind.length > 0 && h("section", {},
      h("h2", {}, "Proxies that are behind"),
      h("ul", { class: "rows" }, all.behind.map((row) =>
        h("li", {}, h("a", { href: `#/proxy?id=${encodeURIComponent(row.id)}` }, `${row.namespace}/${row.name}`), " ", state(row.state, row.lag))))),
    all.changes.length > 0 && h("section", {}, h("h2", {}, "What changed lately"), latest(all.changes), h("p", {}, h("a", { href: "#/changes" }, "All changes"))),
    h("div", { class: "columns" },
      h("section", {}, h("h2", {}, "Objects"), h("dl", { class: "pairs" }, all.objects.map(([kind, number]) => pair(kind, count(number))))),
      h("section", {}, h("h2", {}, "This control plane"), h("dl", { class: "pairs" },
        pair("mizzen", all.mizzen), pair("As Istio", all.istio), pair("Replica", all.replica), pair("Revision", all.revision || "default"),
        pair("Batches of changes", count(all.batch)), pair("Prometheus", all.prometheus ?? "not given")))));
}

const tile = (href, title, number, parts) =>
  h("li", { class: "tile" }, h("a", { href }, h("span", { class: "what" }, title), h("span", { class: "number" }, count(number))), h("div", { class: "parts" }, parts));

/** A part of a number; one of nothing is not in the way. */
const part = (sort, number, one, many = one) => h("span", { class: number ? "state" : "state dim" }, mark(number ? sort : "none"), some(number, one, many));

export const pair = (name, ...values) => [h("dt", {}, name), h("dd", {}, ...values)];
