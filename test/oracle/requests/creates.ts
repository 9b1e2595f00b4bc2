// Creating: what is accepted, filled in and pruned, and what is refused and how.
import { gears, get, post, put, type Step, widget, widgets } from "../step.ts";

const create = (title: string, body: unknown, query = ""): Step => ({
  title,
  request: post(`${widgets}${query}`, body),
});
const refuse = (what: string, spec: Record<string, unknown>): Step =>
  create(`refuse ${what}`, widget(nameOf(what), spec));
const accept = (what: string, spec: Record<string, unknown>): Step =>
  create(`accept ${what}`, widget(nameOf(what), spec));
const refuseMetadata = (what: string, metadata: Record<string, unknown>): Step =>
  create(`refuse ${what}`, widget(nameOf(what), {}, metadata));

export const creates: readonly Step[] = [
  create("create a widget", widget("first", {}, { labels: { app: "a" } }), "?fieldManager=script"),
  create("create it again", widget("first")),
  { title: "get it", request: get(`${widgets}/first`) },
  { title: "get one that is not there", request: get(`${widgets}/nothing`) },
  create("drop the status of a new object", { ...widget("stated"), status: { phase: "Good" } }),
  create("do not store a dry run", widget("dry"), "?dryRun=All"),
  { title: "do not find what a dry run made", request: get(`${widgets}/dry`) },
  create("refuse an unknown dry run", widget("dry"), "?dryRun=Some"),
  create("refuse no name", widget("")),
  create("refuse a wrong name", widget("Not_A_Name")),
  create("refuse a wrong kind", { ...widget("wrong-2"), kind: "Gadget" }),
  create("refuse a wrong version", { ...widget("wrong-3"), apiVersion: "oracle.test/v9" }),
  create("refuse no kind", { metadata: { name: "kindless" }, spec: { size: 1 } }),
  refuseMetadata("another namespace", { namespace: "elsewhere" }),
  refuseMetadata("a resourceVersion at creation", { resourceVersion: "1" }),
  create("refuse a list", []),
  create("refuse no JSON", "{"),
  create("refuse nothing", ""),
  refuseMetadata("a wrong label", { labels: { "a b": "c" } }),
  refuseMetadata("a wrong label value", { labels: { a: "b c" } }),
  refuseMetadata("a label that is a number", { labels: { a: 1 } }),
  refuseMetadata("a wrong annotation", { annotations: { "a b": "c" } }),
  refuseMetadata("a wrong finalizer", { finalizers: ["one"] }),
  refuseMetadata("an owner without uid", { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "a" }] }),
  refuseMetadata("a long generated name", { name: undefined, generateName: "Wrong_" }),
  accept("an owner", {}),
  refuse("no size", { size: undefined }),
  refuse("a text for a number", { size: "three" }),
  refuse("a fraction for a whole number", { size: 1.5 }),
  refuse("too small a number", { size: 0 }),
  refuse("too large a number", { size: 101 }),
  refuse("a value that is not one of", { color: "pink" }),
  refuse("an exclusive minimum", { ratio: 0 }),
  refuse("no multiple of", { fives: 7 }),
  refuse("too short a text", { name: "a" }),
  refuse("too long a text", { name: "abcdef" }),
  refuse("a text without the pattern", { name: "AB" }),
  refuse("no date", { when: "yesterday" }),
  refuse("a boolean for int-or-string", { port: true }),
  refuse("null where it is not allowed", { flag: null }),
  refuse("a rule that does not hold", { low: 2, high: 1 }),
  refuse("an item twice in a set", { tags: ["a", "a"] }),
  refuse("too many items", { tags: ["a", "b", "c", "d", "e"] }),
  refuse("too few items", { tags: [] }),
  refuse("a key twice in a map list", { ports: [{ name: "a" }, { name: "a", protocol: "TCP" }] }),
  refuse("an item without its key", { ports: [{ protocol: "TCP" }] }),
  refuse("too many members", { labels: { a: "1", b: "2", c: "3", d: "4" } }),
  refuse("a wrong additional member", { labels: { a: 1 } }),
  refuse("none of oneOf", { choice: {} }),
  refuse("two of oneOf", { choice: { one: "a", two: "b" } }),
  refuse("a list for an object", { nested: [] }),
  refuse("an object for a list", { tags: {} }),
  refuse("several things", { size: 0, color: "pink", name: "A" }),
  create("refuse no spec", { ...widget("wrong-4"), spec: undefined }),
  accept("a null that may be", { maybe: null }),
  accept("a null that has a default", { color: null }),
  accept("a number for int-or-string", { port: 80 }),
  accept("a text for int-or-string", { port: "http" }),
  accept("a whole number written as a fraction", { ratio: 1.0 }),
  accept("free members", { free: { anything: [1, { b: null }] } }),
  accept("a date", { when: "2026-01-01T00:00:00Z" }),
  accept("ports that differ in protocol", { ports: [{ name: "a" }, { name: "a", protocol: "UDP" }] }),
  create("prune and warn of an unknown field", widget("pruned", { unknown: 1, nested: { odd: 2 } })),
  create("prune in silence", widget("silent", { unknown: 1 }), "?fieldValidation=Ignore"),
  create("refuse an unknown field", widget("wrong-5", { unknown: 1, nested: { odd: 2 } }), "?fieldValidation=Strict"),
  create("refuse an unknown field of metadata", widget("wrong-6", {}, { odd: 1 }), "?fieldValidation=Strict"),
  create("refuse an unknown field at the top", { ...widget("wrong-7"), odd: 1 }, "?fieldValidation=Strict"),
  create("refuse a wrong fieldValidation", widget("wrong-8"), "?fieldValidation=Maybe"),
  {
    title: "refuse a field twice",
    request: post(
      `${widgets}?fieldValidation=Strict`,
      '{"apiVersion":"oracle.test/v1","kind":"Widget","metadata":{"name":"twice"},"spec":{"size":1,"size":2}}',
    ),
  },
  {
    title: "warn of a field twice",
    request: post(
      widgets,
      '{"apiVersion":"oracle.test/v1","kind":"Widget","metadata":{"name":"twice-warned"},"spec":{"size":1,"size":2}}',
    ),
  },
  { title: "refuse another media type", request: { ...post(widgets, "a"), contentType: "text/plain" } },
  { title: "accept YAML", request: { ...post(widgets, yaml("yaml")), contentType: "application/yaml" } },
  { title: "create in no namespace", request: post("/apis/oracle.test/v1/widgets", widget("nowhere")) },
  { title: "post to a name", request: post(`${widgets}/first`, widget("first")) },
  { title: "put to a collection", request: put(widgets, widget("first")) },
  {
    title: "create a free kind",
    request: post(gears, {
      apiVersion: "oracle.test/v1",
      kind: "Gear",
      metadata: { name: "one" },
      teeth: 7,
      status: { ok: true },
    }),
  },
];

/** An object of its own for each step: one that is accepted where it should not be is in nobody's way. */
function nameOf(what: string): string {
  return what.replaceAll(/[^a-z]+/gi, "-").toLowerCase();
}

function yaml(name: string): string {
  return `apiVersion: oracle.test/v1\nkind: Widget\nmetadata:\n  name: ${name}\nspec:\n  size: 3\n`;
}
