// The tree is the architecture: an import may only point downwards in this list (docs/architecture.md draws it).
// tools/check-layers.ts runs this and also fails when fewer modules were seen than there are files.
const layers = [
  ["cli", "^src/cli/"],
  ["server", "^src/server/"],
  ["dashboard", "^src/dashboard/"],
  ["actors-hub", "^actors/hub/"],
  ["actors", "^actors/(?!hub/|system/)[^/]+/"],
  ["workers", "^workers/"],
  ["actors-system", "^actors/system/"],
  ["view", "^src/view/"],
  ["elastic", "^src/elastic/"],
  ["deploy", "^src/deploy/"],
  ["push", "^src/push/"],
  ["access", "^src/access/"],
  ["registry", "^src/registry/"],
  ["cluster", "^src/cluster/"],
  ["metric-source", "^src/metric-source/"],
  ["events", "^src/events/"],
  ["timeseries", "^src/timeseries/"],
  ["store", "^src/store/"],
  ["reconcile", "^src/reconcile/"],
  ["kube", "^src/kube/"],
  ["api", "^src/api/"],
  ["support", "^src/support/"],
];
const anyOf = (paths) => paths.join("|");

const upward = layers.slice(1).map(([name, path], i) => ({
  name: `no-upward-arrow-from-${name}`,
  severity: "error",
  from: { path },
  to: { path: anyOf(layers.slice(0, i + 1).map(([, above]) => above)) },
}));
const except = (names) => anyOf(layers.filter(([name]) => !names.includes(name)).map(([, path]) => path));

export default {
  forbidden: [
    ...upward,
    { name: "no-cycle", severity: "error", from: {}, to: { circular: true } },
    { name: "server-knows-no-actors", severity: "error", from: { path: "^src/server/" }, to: { path: "^(actors|workers)/" } },
    {
      name: "dashboard-talks-http-only",
      severity: "error",
      from: { path: "^src/dashboard/" },
      to: { path: `${except(["dashboard", "support"])}|^src/simulator/` },
    },
    { name: "actor-runtime-knows-no-kubernetes", severity: "error", from: { path: "^actors/system/" }, to: { path: except(["actors-system", "support"]) } },
    {
      name: "simulator-stands-alone",
      severity: "error",
      from: { path: "^src/simulator/" },
      to: { path: except(["support", "kube"]) },
    },
    {
      name: "simulator-shares-only-the-protobuf-codec",
      severity: "error",
      from: { path: "^src/simulator/" },
      to: { path: "^src/kube/", pathNot: "^src/kube/protobuf/" },
    },
    {
      name: "load-judges-from-outside",
      severity: "error",
      from: { path: "^src/load/" },
      to: { path: `${except(["store", "support"])}|^src/simulator/` },
    },
    {
      name: "only-cli-runs-loads",
      severity: "error",
      from: { path: "^(src|actors|workers)/", pathNot: "^src/(cli|load)/" },
      to: { path: "^src/load/" },
    },
    {
      name: "only-cli-starts-the-simulator",
      severity: "error",
      from: { path: "^(src|actors|workers)/", pathNot: "^src/(cli|simulator)/" },
      to: { path: "^src/simulator/" },
    },
    { name: "product-does-not-import-tests", severity: "error", from: { path: "^(src|actors|workers)/" }, to: { path: "^test/" } },
    {
      name: "one-module-loads-client-node",
      severity: "error",
      from: { path: "^(src|actors|workers)/", pathNot: "^src/kube/kubeconfig\\.ts$" },
      to: { path: "@kubernetes/client-node", dependencyTypesNot: ["type-only"] },
    },
  ],
  options: { doNotFollow: { path: "node_modules" }, tsPreCompilationDeps: true, parser: "swc", tsConfig: { fileName: "tsconfig.json" } },
};
