// Server-side apply: who owns what, what is removed, who is in the way of whom.
import { apply, get, json, patch, post, remove, type Step, widget, widgets } from "../step.ts";

const applied = (
  name: string,
  manager: string,
  spec: Record<string, unknown>,
  query = "",
  metadata: Record<string, unknown> = {},
) =>
  patch(
    `${widgets}/${name}?fieldManager=${manager}${query}`,
    JSON.stringify({ apiVersion: "oracle.test/v1", kind: "Widget", metadata: { name, ...metadata }, spec }),
    apply,
  );

export const applies: readonly Step[] = [
  {
    title: "apply: create",
    request: applied("applied", "one", { size: 3, labels: { a: "1" }, tags: ["x"], plain: ["p"] }),
  },
  {
    title: "apply: again",
    request: applied("applied", "one", { size: 3, labels: { a: "1" }, tags: ["x"], plain: ["p"] }),
  },
  {
    title: "apply: change",
    request: applied("applied", "one", { size: 4, labels: { a: "1" }, tags: ["x"], plain: ["p"] }),
  },
  { title: "apply: drop a field", request: applied("applied", "one", { size: 4, tags: ["x"], plain: ["p"] }) },
  {
    title: "apply: another manager adds",
    request: applied("applied", "two", { size: 4, tags: ["y"], ports: [{ name: "a", number: 1 }] }),
  },
  { title: "apply: conflict", request: applied("applied", "two", { size: 5, tags: ["y"] }) },
  { title: "apply: conflict in an atomic list", request: applied("applied", "two", { size: 4, plain: ["q"] }) },
  {
    title: "apply: several conflicts",
    request: applied("applied", "three", { size: 6, plain: ["q"], ports: [{ name: "a", number: 9 }] }),
  },
  { title: "apply: force", request: applied("applied", "two", { size: 5, tags: ["y"] }, "&force=true") },
  {
    title: "apply: drop an item that another still has",
    request: applied("applied", "one", { size: 5, tags: ["x", "y"] }),
  },
  { title: "apply: drop everything", request: applied("applied", "one", {}) },
  {
    title: "apply: a map list",
    request: applied("lists", "one", {
      size: 1,
      ports: [
        { name: "a", number: 1 },
        { name: "b", protocol: "UDP", number: 2 },
      ],
    }),
  },
  {
    title: "apply: another manager's item",
    request: applied("lists", "two", { size: 1, ports: [{ name: "c", number: 3 }] }),
  },
  {
    title: "apply: own item away",
    request: applied("lists", "one", { size: 1, ports: [{ name: "b", protocol: "UDP", number: 2 }] }),
  },
  {
    title: "apply: an item twice",
    request: applied("twices", "one", { size: 1, ports: [{ name: "a" }, { name: "a" }] }),
  },
  { title: "apply: an atomic map", request: applied("lists", "one", { size: 1, whole: { a: "1", b: "2" } }) },
  { title: "apply: an atomic map of another", request: applied("lists", "two", { size: 1, whole: { a: "1" } }) },
  { title: "apply: in a dry run", request: applied("lists", "one", { size: 9 }, "&dryRun=All&force=true") },
  {
    title: "apply: labels and finalizers",
    request: applied("lists", "one", { size: 1 }, "", {
      labels: { a: "b" },
      annotations: { c: "d" },
      finalizers: ["oracle.test/one"],
    }),
  },
  { title: "apply: metadata away", request: applied("lists", "one", { size: 1 }) },
  { title: "an update takes over", request: patch(`${widgets}/lists?fieldManager=editor`, { spec: { size: 2 } }) },
  { title: "apply: conflict with an update", request: applied("lists", "one", { size: 1 }) },
  { title: "apply: force over an update", request: applied("lists", "one", { size: 1 }, "&force=true") },
  {
    title: "refuse to apply without a manager",
    request: patch(`${widgets}/lists`, JSON.stringify(widget("lists")), apply),
  },
  {
    title: "refuse to apply with managed fields",
    request: applied("lists", "one", { size: 1 }, "", { managedFields: [] }),
  },
  {
    title: "refuse to apply another name",
    request: patch(`${widgets}/lists?fieldManager=one`, JSON.stringify(widget("other")), apply),
  },
  {
    title: "refuse to apply another kind",
    request: patch(`${widgets}/lists?fieldManager=one`, JSON.stringify({ ...widget("lists"), kind: "Gadget" }), apply),
  },
  {
    title: "refuse to apply no kind",
    request: patch(`${widgets}/lists?fieldManager=one`, JSON.stringify({ spec: { size: 1 } }), apply),
  },
  { title: "refuse to apply what is wrong", request: applied("lists", "one", { size: 0 }, "&force=true") },
  { title: "refuse to apply a wrong type", request: applied("lists", "one", { size: "x" }, "&force=true") },
  {
    title: "refuse to apply an unknown field",
    request: applied("lists", "one", { size: 1, unknown: 1 }, "&fieldValidation=Strict"),
  },
  { title: "apply an unknown field", request: applied("lists", "one", { size: 1, unknown: 1 }) },
  { title: "refuse force in another patch", request: patch(`${widgets}/lists?force=true`, { spec: { size: 1 } }) },
  { title: "refuse a long manager", request: applied("lists", "m".repeat(129), { size: 1 }) },
  {
    title: "refuse to apply a wrong version",
    request: applied("lists", "one", { size: 3 }, "", { resourceVersion: "1" }),
  },
  {
    title: "refuse to apply with a uid that is not",
    request: applied("fresh", "one", { size: 3 }, "", { uid: "00000000-0000-0000-0000-000000000000" }),
  },
  {
    title: "apply YAML",
    request: patch(
      `${widgets}/written?fieldManager=one`,
      "apiVersion: oracle.test/v1\nkind: Widget\nmetadata: {name: written}\nspec: {size: 3}\n",
      apply,
    ),
  },
  { title: "refuse to apply no YAML", request: patch(`${widgets}/written?fieldManager=one`, "a: [", apply) },
  {
    title: "apply a status",
    request: patch(
      `${widgets}/written/status?fieldManager=controller`,
      JSON.stringify({
        apiVersion: "oracle.test/v1",
        kind: "Widget",
        metadata: { name: "written" },
        status: { phase: "Good", conditions: [{ type: "Ready", status: "True" }] },
      }),
      apply,
    ),
  },
  {
    title: "apply another condition",
    request: patch(
      `${widgets}/written/status?fieldManager=other`,
      JSON.stringify({
        apiVersion: "oracle.test/v1",
        kind: "Widget",
        metadata: { name: "written" },
        status: { conditions: [{ type: "Synced", status: "True" }] },
      }),
      apply,
    ),
  },
  {
    title: "apply a status and a spec",
    request: patch(
      `${widgets}/written/status?fieldManager=third`,
      JSON.stringify({ ...widget("written", { size: 77 }), status: { replicas: 3 } }),
      apply,
    ),
  },
  { title: "managers of what is written", request: get(`${widgets}/written`) },
  {
    title: "clear managed fields",
    request: patch(`${widgets}/written`, [{ op: "replace", path: "/metadata/managedFields", value: [{}] }], json),
  },
  { title: "apply over what nobody owns", request: applied("written", "one", { size: 8 }) },
  { title: "create by another client", request: post(widgets, widget("plain", { tags: ["a"] })) },
  { title: "apply over what was created", request: applied("plain", "one", { size: 4 }) },
  { title: "apply the same as was created", request: applied("plain", "one", { size: 3 }) },
  {
    title: "a scale owns replicas",
    request: patch(`${widgets}/plain/scale?fieldManager=scaler`, { spec: { replicas: 3 } }),
  },
  { title: "apply: conflict with a scale", request: applied("plain", "one", { size: 3, replicas: 5 }) },
  { title: "release what is applied", request: patch(`${widgets}/lists`, { metadata: { finalizers: null } }) },
  { title: "delete what is applied", request: remove(`${widgets}/applied`) },
];
