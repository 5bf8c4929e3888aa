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
  said: ({ proxies, findings, locks, remote }) =>
    [`${some(proxies.total, "proxy", "proxies")}, ${proxies.waiting} waiting, ${proxies.rejected} rejecting`, some(findings.error, "error"),
      ...locks.map((lock) => `${lock.writes}: ${writer(lock)}`), ...remote.map(({ id, syncStatus }) => `cluster ${id}: ${CLUSTERS[syncStatus][1]}`)].join("; "),
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
    (all.locks.length > 0 || all.remote.length > 0) && h("div", { class: "columns" },
      all.locks.length > 0 && h("section", {}, h("h2", {}, "Who writes to the cluster"), h("ul", { class: "rows" }, all.locks.map(lockRow))),
      all.remote.length > 0 && h("section", {}, h("h2", {}, "Other clusters"), h("ul", { class: "rows" }, all.remote.map(clusterRow)))),
    h("div", { class: "columns" },
      h("section", {}, h("h2", {}, "Objects"), h("dl", { class: "pairs" }, all.objects.map(([kind, number]) => pair(kind, count(number))))),
      h("section", {}, h("h2", {}, "This control plane"), h("dl", { class: "pairs" },
        pair("mizzen", all.mizzen), pair("As Istio", all.istio), pair("Replica", all.replica), pair("Revision", all.revision || "default"), pair("Cluster", all.cluster),
        pair("Batches of changes", count(all.batch)), pair("Prometheus", all.prometheus ?? "not given")))));
}

/** Who holds a lock, and what that is to this replica. */
const writer = ({ holder, ours }) => (ours ? "this replica" : holder ? `${holder}; this replica waits` : "nobody yet; this replica waits");

const lockRow = (lock) =>
  h("li", { "data-key": lock.name }, h("span", { class: "first" }, lock.writes), " ",
    h("span", {}, mark(lock.ours ? "good" : lock.holder ? "none" : "wait"), " ", writer(lock)), h("div", { class: "dim small" }, "Lock ", h("code", {}, lock.name)));

/** What the statuses of clusters mean. */
const CLUSTERS = {
  synced: ["good", "read"],
  syncing: ["wait", "being read for the first time"],
  timeout: ["warn", "not read yet; nobody waits for it any more"],
  closed: ["bad", "not read: its kubeconfig cannot be used, or is gone"],
};

function clusterRow({ id, secretName, syncStatus }) {
  const [sort, words] = CLUSTERS[syncStatus];
  return h("li", { "data-key": id }, h("span", { class: "first" }, id), " ", h("span", {}, mark(sort), " ", words),
    h("div", { class: "dim small" }, "Secret ", h("code", {}, secretName)));
}

const tile = (href, title, number, parts) =>
  h("li", { class: "tile" }, h("a", { href }, h("span", { class: "what" }, title), h("span", { class: "number" }, count(number))), h("div", { class: "parts" }, parts));

/** A part of a number; one of nothing is not in the way. */
const part = (sort, number, one, many = one) => h("span", { class: number ? "state" : "state dim" }, mark(number ? sort : "none"), some(number, one, many));

export const pair = (name, ...values) => [h("dt", {}, name), h("dd", {}, ...values)];
