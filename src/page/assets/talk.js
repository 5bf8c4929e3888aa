// Who talks to whom: who may by what is configured, and who did by what was measured.

import { h } from "./dom.js";
import { bytes, count, rate, some } from "./format.js";
import { graph, nameOf, partyLink } from "./graph.js";
import { listQuery, search, table } from "./table.js";

export const talk = {
  title: () => "Who talks to whom",
  load: async (ask, params) => {
    const measured = params.get("by") === "measured";
    const all = await ask(`${measured ? "measured" : "talk"}?${listQuery(params)}`).catch((error) => {
      if (!measured) throw error;
      return { error: error.message, rows: [], total: 0, matching: 0, offset: 0, parties: 0, graph: null };
    });
    return { measured, all };
  },
  said: ({ all }) => some(all.total, "line"),
  show: ({ measured, all }, context) => {
    const tab = (href, is, text) => h("li", {}, h("a", { href, "aria-current": is ? "true" : null }, text));
    return h("section", {},
      h("h1", {}, "Who talks to whom"),
      h("ul", { class: "tabs" }, tab("#/talk", !measured, "May, by configuration"), tab("#/talk?by=measured", measured, "Did, by Prometheus")),
      measured ? did(all) : may(all),
      h("div", { class: "bar" }, search("Search who, whom, why", context)),
      all.graph ? graph(all.graph) : all.parties > 0 && h("p", { class: "nothing" }, `${some(all.parties, "party", "parties")} are too many to be drawn. Search for some, or read the table.`),
      table("Who talks to whom", measured ? DID : MAY, all, context, (row) => JSON.stringify([row.from, row.to])));
  },
};

const may = (all) => [
  h("p", { class: "lead" }, h("strong", {}, "These are calls that may be made, not calls that are made."),
    " A line is what somebody wrote: what a Sidecar lets its workloads reach, where a VirtualService or a Gateway leads, what a ServiceEntry names."),
  h("p", { class: "lead dim" }, `${some(all.restricted, "workload")} ${all.restricted === 1 ? "is" : "are"} restricted by a Sidecar; ${count(all.unrestricted)} may call every service that is exported to their namespace, for which no lines are drawn.`,
    all.leftOut > 0 && ` ${some(all.leftOut, "line")} more are not shown.`)];

const did = (all) => (all.error
  ? h("p", { class: "failure", role: "alert" }, "No numbers", all.prometheus && ` from ${all.prometheus}`, ": ", all.error, ".")
  : h("p", { class: "lead" }, `Calls in the last ${all.window.replace("m", " minutes")}, as proxies counted them, from ${all.prometheus}.`));

const party = (of) => {
  const href = partyLink(of);
  const name = nameOf(of);
  return [href ? h("a", { href }, name) : name, h("span", { class: "dim" }, ` ${of.kind === "anyone" ? "" : of.kind}`)];
};

const FROM = { title: "Who", sort: "from", class: "wide", cell: (row) => party(row.from) };
const TO = { title: "Calls", sort: "to", class: "wide", cell: (row) => party(row.to) };
const MAY = [FROM, TO, { title: "Why", class: "wide prose", cell: (row) => h("ul", { class: "why" }, row.why.map((text) => h("li", {}, text))) }];
const DID = [FROM, TO,
  { title: "Calls / s", sort: "calls", class: "number", cell: (row) => (row.calls ? rate(row.calls) : "") },
  { title: "Failed / s", sort: "errors", class: "number", cell: (row) => (row.errors ? h("span", { class: "gone" }, h("b", {}, "! "), rate(row.errors)) : "") },
  { title: "Bytes / s", sort: "bytes", class: "number", cell: (row) => (row.bytes ? bytes(row.bytes) : "") }];
