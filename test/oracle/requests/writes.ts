// Replacing, patching and deleting: what is refused and how, what is kept and counted.
import { gears, get, json, patch, post, put, remove, type Step, strategic, widget, widgets } from "../step.ts";

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

function finalizersOf(name: string): Record<string, unknown> {
  return name === "waiting" ? { finalizers: ["oracle.test/one"] } : {};
}
function versionOf({ metadata }: { metadata: { resourceVersion: string } }): { resourceVersion: string } {
  return { resourceVersion: metadata.resourceVersion };
}
