// ClusterVersion, console route and ClusterOperators: what is read of them, whatever is in them.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readApiGroups } from "../../../src/cluster/api-groups.ts";
import { MAX_INFLATED_BYTES } from "../../../src/cluster/body.ts";
import { MAX_OPERATOR_LENGTH, readClusterOperators } from "../../../src/cluster/cluster-operators.ts";
import { conventionalConsoleUrl, readClusterVersion, readConsoleRoute } from "../../../src/cluster/openshift.ts";
import { anyJson, bodyOf } from "./arbitrary.ts";

const clusterVersion = (members: object) =>
  readClusterVersion({ body: bodyOf({ kind: "ClusterVersion", ...members }) }, MAX_INFLATED_BYTES);
const route = (spec: unknown) => readConsoleRoute({ body: bodyOf({ kind: "Route", spec }) }, MAX_INFLATED_BYTES).url;
const operators = (items: unknown) =>
  readClusterOperators({ body: bodyOf({ kind: "ClusterOperatorList", items }) }, MAX_INFLATED_BYTES);
const operator = (status: unknown, name = "dns") => {
  const [row] = operators([{ metadata: { name }, status }]).operators;
  return JSON.parse(row?.text ?? "null") as Record<string, unknown>;
};

describe("ClusterVersion", () => {
  it("gives a member only where it is there with the right type", () => {
    expect(clusterVersion({})).toEqual({});
    expect(clusterVersion({ status: {} })).toEqual({ update_available: false });
    expect(
      clusterVersion({ spec: { channel: 7 }, status: { availableUpdates: null, history: "x", conditions: {} } }),
    ).toEqual({
      update_available: false,
    });
  });

  it("names a state only when it holds, and says null for what a condition lacks", () => {
    const conditions = [
      { type: "Available", status: "False", message: "no" },
      { type: "Degraded", status: "True", reason: "Broken" },
      { type: "Progressing", status: "Unknown" },
      null,
    ];
    expect(clusterVersion({ status: { conditions } })).toEqual({
      update_available: false,
      is_degraded: true,
      conditions: [
        { type: "Available", status: "False", message: "no", reason: null },
        { type: "Degraded", status: "True", message: null, reason: "Broken" },
        { type: "Progressing", status: "Unknown", message: null, reason: null },
      ],
    });
  });

  it("is bounded: long texts are cut, and so is the list of conditions", () => {
    const long = "x".repeat(5_000);
    const conditions = Array.from({ length: 300 }, () => ({ type: long, status: long, message: long, reason: long }));
    const info = clusterVersion({
      spec: { channel: long, clusterID: long },
      status: { desired: { image: long }, conditions },
    });
    expect(JSON.stringify(info).length).toBeLessThan(512 * 1024);
  });

  it("is nothing else", () => {
    expect(() => clusterVersion({ kind: "Status" })).toThrow(/ClusterVersion/);
    expect(() => readConsoleRoute({ body: bodyOf({ kind: "Status" }) }, MAX_INFLATED_BYTES)).toThrow(/Route/);
    expect(() => readApiGroups({ body: bodyOf({ kind: "Status" }) }, MAX_INFLATED_BYTES)).toThrow(/APIGroupList/);
  });
});

describe("the console", () => {
  it.each([
    [{ host: "console.apps.example.com", tls: {} }, "https://console.apps.example.com"],
    [{ host: "console.apps.example.com", tls: null }, "https://console.apps.example.com"],
    [{ host: "console.apps.example.com" }, "http://console.apps.example.com"],
    [{ host: "" }, null],
    [{}, null],
    [undefined, null],
    [{ host: "evil.example.com/?x=//console", tls: {} }, null],
    [{ host: 'a"onclick="x', tls: {} }, null],
    [{ host: "user@host" }, null],
    [{ host: "x".repeat(254) }, null],
  ])("of a route with %j is at %j", (spec, url) => {
    expect(route(spec)).toBe(url);
  });

  it.each([
    ["https://api.prod.example.com:6443", "https://console-openshift-console.apps.prod.example.com"],
    ["https://api.prod.example.com/prefix", "https://console-openshift-console.apps.prod.example.com"],
    ["https://10.0.0.1:6443", undefined],
    ["https://apiserver.example.com", undefined],
    ["not a url", undefined],
  ])("by convention, for an API server at %s, is at %s", (endpoint, url) => {
    expect(conventionalConsoleUrl(endpoint)).toBe(url);
  });
});

describe("a ClusterOperator", () => {
  it("without a status has only its name", () => {
    expect(operator(undefined)).toEqual({
      name: "dns",
      version: "",
      available: false,
      progressing: false,
      degraded: false,
      upgradeable: false,
      message: "",
      reason: "",
      last_transition_time: "0001-01-01T00:00:00Z",
      conditions: [],
      versions: [],
      related_objects: [],
    });
  });

  it.each([
    [
      [
        ["a", "1"],
        ["operator", "2"],
        ["dns", "3"],
      ],
      "3",
    ],
    [
      [
        ["dns", "3"],
        ["operator", "2"],
        ["a", "1"],
      ],
      "2",
    ],
    [
      [
        ["a", "1"],
        ["b", "2"],
      ],
      "1",
    ],
    [[], ""],
  ])("with the versions %j has version %j", (versions, version) => {
    expect(operator({ versions: versions.map(([name, v]) => ({ name, version: v })) })["version"]).toBe(version);
  });

  it("keeps a transition's time as UTC, the latest of all", () => {
    const conditions = [
      { type: "Available", status: "True", lastTransitionTime: "2026-01-02T01:00:00+02:00" },
      { type: "Degraded", status: "False", lastTransitionTime: "2026-01-01T23:30:00Z" },
    ];
    expect(operator({ conditions })["last_transition_time"]).toBe("2026-01-01T23:30:00Z");
  });

  it("that is far too large is skipped and counted", () => {
    const giant = { metadata: { name: "giant" }, status: { versions: [{ version: "x".repeat(MAX_OPERATOR_LENGTH) }] } };
    expect(operators([giant, null, { metadata: { name: "dns" } }])).toMatchObject({
      skipped: 2,
      operators: [{ name: "dns" }],
    });
  });

  const word = fc.constantFrom("", "a", "b");
  const condition = fc.record({
    type: fc.constantFrom("Available", "Progressing", "Degraded", "Upgradeable", "Other", ""),
    status: fc.constantFrom("True", "False", "Unknown"),
    reason: word,
    message: word,
  });

  it("tells state and message as the rules say, condition by condition", () => {
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 8 }), (conditions) => {
        const last = (type: string) => conditions.findLast((c) => c.type === type)?.status === "True";
        // The condition that took the message over last, and the first progress that fell on an empty one.
        const taking = conditions.findLastIndex(
          (c) =>
            c.message !== "" &&
            ((c.type === "Available" && c.status !== "True") || (c.type === "Degraded" && c.status === "True")),
        );
        const progress = conditions.find((c) => c.type === "Progressing" && c.status === "True" && c.message !== "");
        expect(operator({ conditions })).toMatchObject({
          available: last("Available"),
          progressing: last("Progressing"),
          degraded: last("Degraded"),
          upgradeable: last("Upgradeable"),
          message: (taking === -1 ? progress?.message : conditions[taking]?.message) ?? "",
          reason: conditions[taking]?.reason ?? "",
        });
      }),
    );
  });

  it("of any JSON is read without a throw, and every item is a row or counted", () => {
    fc.assert(
      fc.property(fc.array(anyJson, { maxLength: 6 }), anyJson, (items, status) => {
        const page = operators([...items, { metadata: { name: "x" }, status }]);
        expect(page.operators.length + page.skipped).toBe(items.length + 1);
        for (const row of page.operators) expect(row.text).not.toContain("null");
      }),
    );
  });
});

it("API groups are names, whatever else is in the list", () => {
  const groups = [{ name: "apps" }, { name: 7 }, null, { name: "config.openshift.io" }];
  expect(readApiGroups({ body: bodyOf({ kind: "APIGroupList", groups }) }, MAX_INFLATED_BYTES)).toEqual([
    "apps",
    "config.openshift.io",
  ]);
});
