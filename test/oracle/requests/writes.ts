// Creating, replacing, patching and deleting: what is refused and how, what is filled in, pruned and counted.
import { gears, get, json, patch, post, put, remove, type Step, strategic, widget, widgets } from "../step.ts";

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

export const updates: readonly Step[] = [
  { title: "create what is replaced", request: post(widgets, widget("second", { fixed: "a" })) },
  {
    title: "replace it",
    request: (bodyOf) =>
      put(`${widgets}/second`, widget("second", { size: 4, fixed: "a" }, versionOf(bodyOf("create what is replaced")))),
  },
  {
    title: "refuse a replacement of an old version",
    request: (bodyOf) =>
      put(`${widgets}/second`, widget("second", { size: 5, fixed: "a" }, versionOf(bodyOf("create what is replaced")))),
  },
  { title: "replace without a version", request: put(`${widgets}/stated`, widget("stated", { size: 5 })) },
  {
    title: "change nothing",
    request: (bodyOf) =>
      put(`${widgets}/second`, widget("second", { size: 4, fixed: "a" }, versionOf(bodyOf("replace it")))),
  },
  {
    title: "change labels alone",
    request: (bodyOf) =>
      put(
        `${widgets}/second`,
        widget("second", { size: 4, fixed: "a" }, { ...versionOf(bodyOf("change nothing")), labels: { a: "b" } }),
      ),
  },
  {
    title: "ignore a status",
    request: (bodyOf) =>
      put(`${widgets}/second`, {
        ...widget(
          "second",
          { size: 4, fixed: "a" },
          { ...versionOf(bodyOf("change labels alone")), labels: { a: "b" } },
        ),
        status: { phase: "Good" },
      }),
  },
  { title: "refuse another name", request: put(`${widgets}/second`, widget("third")) },
  { title: "refuse a replacement of nothing", request: put(`${widgets}/nothing`, widget("nothing")) },
  {
    title: "refuse another uid",
    request: (bodyOf) =>
      put(
        `${widgets}/second`,
        widget(
          "second",
          { fixed: "a" },
          { ...versionOf(bodyOf("ignore a status")), uid: "00000000-0000-0000-0000-000000000000" },
        ),
      ),
  },
  {
    title: "refuse what a rule calls immutable",
    request: (bodyOf) =>
      put(`${widgets}/second`, widget("second", { fixed: "b" }, versionOf(bodyOf("ignore a status")))),
  },
  {
    title: "refuse a wrong replacement",
    request: (bodyOf) =>
      put(`${widgets}/second`, widget("second", { size: 0, fixed: "a" }, versionOf(bodyOf("ignore a status")))),
  },
  {
    title: "replace in a dry run",
    request: (bodyOf) =>
      put(
        `${widgets}/second?dryRun=All`,
        widget("second", { size: 9, fixed: "a" }, versionOf(bodyOf("ignore a status"))),
      ),
  },
  { title: "get what a dry run did not change", request: get(`${widgets}/second`) },
  {
    title: "change a free kind: generation",
    request: patch(`${gears}/one`, { teeth: 8 }),
  },
  { title: "change the status of a free kind: generation", request: patch(`${gears}/one`, { status: { ok: false } }) },
  { title: "label a free kind: generation", request: patch(`${gears}/one`, { metadata: { labels: { a: "b" } } }) },
  { title: "no status subresource", request: get(`${gears}/one/status`) },
  { title: "no scale subresource", request: get(`${gears}/one/scale`) },
];

export const patches: readonly Step[] = [
  { title: "create what is patched", request: post(widgets, widget("patched", { plain: ["a", "b"] })) },
  { title: "merge", request: patch(`${widgets}/patched`, { spec: { size: 7, plain: ["c"], color: null } }) },
  { title: "merge nothing", request: patch(`${widgets}/patched`, {}) },
  { title: "merge in a dry run", request: patch(`${widgets}/patched?dryRun=All`, { spec: { size: 8 } }) },
  { title: "merge an unknown field", request: patch(`${widgets}/patched`, { spec: { unknown: 1 } }) },
  {
    title: "refuse to merge an unknown field",
    request: patch(`${widgets}/patched?fieldValidation=Strict`, { spec: { unknown: 1 } }),
  },
  {
    title: "merge with a wrong version",
    request: patch(`${widgets}/patched`, { metadata: { resourceVersion: "1" }, spec: { size: 9 } }),
  },
  { title: "merge with another name", request: patch(`${widgets}/patched`, { metadata: { name: "other" } }) },
  { title: "merge a status at the wrong door", request: patch(`${widgets}/patched`, { status: { phase: "Good" } }) },
  { title: "merge what is wrong", request: patch(`${widgets}/patched`, { spec: { size: "x" } }) },
  { title: "merge a list", request: patch(`${widgets}/patched`, []) },
  { title: "merge no JSON", request: patch(`${widgets}/patched`, "{") },
  { title: "merge into nothing", request: patch(`${widgets}/nothing`, { spec: { size: 1 } }) },
  {
    title: "JSON patch",
    request: patch(
      `${widgets}/patched`,
      [
        { op: "test", path: "/spec/size", value: 7 },
        { op: "replace", path: "/spec/size", value: 11 },
        { op: "add", path: "/spec/plain/-", value: "d" },
        { op: "copy", from: "/spec/size", path: "/spec/low" },
        { op: "move", from: "/spec/low", path: "/spec/high" },
      ],
      json,
    ),
  },
  {
    title: "a JSON patch whose test fails",
    request: patch(`${widgets}/patched`, [{ op: "test", path: "/spec/size", value: 1 }], json),
  },
  {
    title: "a JSON patch that removes nothing",
    request: patch(`${widgets}/patched`, [{ op: "remove", path: "/spec/none" }], json),
  },
  {
    title: "a JSON patch that replaces nothing",
    request: patch(`${widgets}/patched`, [{ op: "replace", path: "/spec/none", value: 1 }], json),
  },
  {
    title: "a JSON patch of an unknown operation",
    request: patch(`${widgets}/patched`, [{ op: "turn", path: "/spec" }], json),
  },
  { title: "a JSON patch that is no list", request: patch(`${widgets}/patched`, {}, json) },
  { title: "an empty JSON patch", request: patch(`${widgets}/patched`, [], json) },
  { title: "a strategic patch of a custom kind", request: patch(`${widgets}/patched`, {}, strategic) },
  { title: "a patch of an unknown type", request: patch(`${widgets}/patched`, {}, "application/json") },
];

export const statuses: readonly Step[] = [
  { title: "create what has a status", request: post(widgets, widget("state")) },
  { title: "get the status", request: get(`${widgets}/state/status`) },
  {
    title: "patch the status",
    request: patch(`${widgets}/state/status?fieldManager=controller`, {
      status: { phase: "Good", conditions: [{ type: "Ready", status: "True" }] },
    }),
  },
  {
    title: "patch status and spec at the status",
    request: patch(`${widgets}/state/status`, { spec: { size: 50 }, status: { phase: "Bad" } }),
  },
  {
    title: "patch labels at the status",
    request: patch(`${widgets}/state/status`, { metadata: { labels: { a: "b" } } }),
  },
  { title: "refuse a wrong status", request: patch(`${widgets}/state/status`, { status: { phase: "Odd" } }) },
  {
    title: "refuse a condition twice",
    request: patch(`${widgets}/stated/status`, {
      status: {
        conditions: [
          { type: "A", status: "True" },
          { type: "A", status: "True" },
        ],
      },
    }),
  },
  {
    title: "replace the status",
    request: (bodyOf) =>
      put(`${widgets}/state/status`, {
        ...widget("state", { size: 60 }, versionOf(bodyOf("patch labels at the status"))),
        status: { replicas: 2, selector: "a=b" },
      }),
  },
  { title: "post to the status", request: post(`${widgets}/state/status`, widget("state")) },
  { title: "delete the status", request: remove(`${widgets}/state/status`) },
  { title: "get the scale", request: get(`${widgets}/state/scale`) },
  { title: "patch the scale", request: patch(`${widgets}/state/scale`, { spec: { replicas: 4 } }) },
  { title: "refuse a wrong scale", request: patch(`${widgets}/state/scale`, { spec: { replicas: -1 } }) },
  {
    title: "replace the scale",
    request: put(`${widgets}/state/scale`, {
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: { name: "state", namespace: "oracle" },
      spec: { replicas: 5 },
    }),
  },
  { title: "get what was scaled", request: get(`${widgets}/state`) },
  { title: "an unknown subresource", request: get(`${widgets}/state/nothing`) },
];

export const deletes: readonly Step[] = [
  ...["gone", "kept", "checked", "waiting"].map((name) => ({
    title: `create ${name}`,
    request: post(widgets, widget(name, {}, finalizersOf(name))),
  })),
  { title: "delete in a dry run", request: remove(`${widgets}/gone`, { dryRun: ["All"] }) },
  { title: "delete", request: remove(`${widgets}/gone`) },
  { title: "delete it again", request: remove(`${widgets}/gone`) },
  {
    title: "refuse to delete another uid",
    request: remove(`${widgets}/checked`, { preconditions: { uid: "00000000-0000-0000-0000-000000000000" } }),
  },
  {
    title: "refuse to delete another version",
    request: remove(`${widgets}/checked`, { preconditions: { resourceVersion: "1" } }),
  },
  { title: "refuse an unknown propagation", request: remove(`${widgets}/checked`, { propagationPolicy: "Sideways" }) },
  {
    title: "refuse two ways of propagation",
    request: remove(`${widgets}/checked`, { propagationPolicy: "Orphan", orphanDependents: true }),
  },
  { title: "delete with a finalizer", request: remove(`${widgets}/waiting`) },
  { title: "delete it once more", request: remove(`${widgets}/waiting`) },
  {
    title: "refuse a new finalizer",
    request: patch(`${widgets}/waiting`, { metadata: { finalizers: ["oracle.test/one", "oracle.test/two"] } }),
  },
  { title: "change what is being deleted", request: patch(`${widgets}/waiting`, { spec: { size: 8 } }) },
  { title: "remove the last finalizer", request: patch(`${widgets}/waiting`, { metadata: { finalizers: null } }) },
  { title: "find it gone", request: get(`${widgets}/waiting`) },
  { title: "delete in the foreground", request: remove(`${widgets}/kept`, { propagationPolicy: "Foreground" }) },
  { title: "create for a collection", request: post(widgets, widget("many-a", {}, { labels: { many: "yes" } })) },
  {
    title: "create another for a collection",
    request: post(widgets, widget("many-b", {}, { labels: { many: "yes" } })),
  },
  { title: "delete a collection", request: remove(`${widgets}?labelSelector=many%3Dyes`) },
  { title: "find the collection empty", request: get(`${widgets}?labelSelector=many%3Dyes`) },
  { title: "delete everything everywhere", request: remove("/apis/oracle.test/v1/widgets") },
];

/** An object of its own for each step: one that is accepted where it should not be is in nobody's way. */
function nameOf(what: string): string {
  return what.replaceAll(/[^a-z]+/gi, "-").toLowerCase();
}
function finalizersOf(name: string): Record<string, unknown> {
  return name === "waiting" ? { finalizers: ["oracle.test/one"] } : {};
}
function versionOf({ metadata }: { metadata: { resourceVersion: string } }): { resourceVersion: string } {
  return { resourceVersion: metadata.resourceVersion };
}
function yaml(name: string): string {
  return `apiVersion: oracle.test/v1\nkind: Widget\nmetadata:\n  name: ${name}\nspec:\n  size: 3\n`;
}
