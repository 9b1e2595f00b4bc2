// Fault rules from outside: every fault takes its own parameters and says what is wrong with others.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { faultRows, faultsText, trafficRows } from "../../../../src/simulator/faults/help.ts";
import { faultKinds } from "../../../../src/simulator/faults/kinds.ts";
import { describeFault, describeTraffic, parametersOf } from "../../../../src/simulator/faults/parameters.ts";
import { faultNames, parseFaultRule } from "../../../../src/simulator/faults/rule.ts";
import { InvalidInputError } from "../../../../src/support/errors.ts";

const problemsOf = (fault: string, parameters?: unknown): readonly string[] => {
  try {
    parseFaultRule({ cluster: "c", fault, parameters });
    return [];
  } catch (error) {
    return (error as InvalidInputError).problems;
  }
};

describe("fault rules", () => {
  it("know every fault, and every fault is known", () => {
    expect(Object.keys(faultKinds).sort()).toEqual([...faultNames].sort());
    for (const fault of faultNames) expect(problemsOf(fault), fault).toEqual([]);
  });

  it.each([
    ["latency", { latencyMs: 600_000 }],
    ["slowbody", { bytesPerSec: 1 }],
    ["status", { code: 400, retryAfter: 0 }],
    ["status", { code: 599 }],
    ["reset", { afterBytes: 0 }],
    ["truncate", { afterBytes: 1_000_000_000 }],
    ["garbage", { variant: "gzip" }],
    ["tls", { variant: "handshakeStall" }],
    ["flap", { upMs: 50, downMs: 3_600_000 }],
    ["hang", {}],
    ["hang", { verb: "list,watch", resource: "pods,*/status", path: "/api/*", userAgent: "kubectl/*", watch: false }],
    ["garbage", { probability: 0.25, everyNth: 3, count: 10, startMs: 0, durationMs: 1, seed: 7, header: true }],
    ["tls", { variant: "plainHttp", probability: 0.5 }],
    ["refuse", { maxConnections: 0 }],
    ["latency", { distribution: "pareto", shape: 1.16, before: "handshake" }],
    ["unauthorized", { code: 403, resource: "pods" }],
    ["flap", { jitter: 0.3, seed: 4 }],
    ["tls", { onMs: 50, offMs: 100, onOffJitter: 1 }],
  ])("%s takes %j", (fault, parameters) => {
    expect(problemsOf(fault, parameters)).toEqual([]);
    expect(parseFaultRule({ cluster: "c", fault, parameters }).parameters).toEqual(parameters);
  });

  it.each([
    ["latency", { latencyMs: 600_001 }, "parameters.latencyMs: must be a whole number from 1 to 600000 (milliseconds)"],
    [
      "slowbody",
      { bytesPerSec: 0 },
      "parameters.bytesPerSec: must be a whole number from 1 to 1000000000 (bytes a second)",
    ],
    ["status", { code: 200 }, "parameters.code: must be a whole number from 400 to 599 (an HTTP status)"],
    ["status", { code: 450.5 }, "parameters.code: must be a whole number from 400 to 599 (an HTTP status)"],
    ["reset", { afterBytes: "9" }, "parameters.afterBytes: must be a whole number from 0 to 1000000000 (bytes)"],
    ["flap", { upMs: 49 }, "parameters.upMs: must be a whole number from 50 to 3600000 (milliseconds)"],
    ["hang", { offMs: 100 }, "parameters.offMs: must stand beside onMs"],
    ["hang", { probability: 1.1 }, "parameters.probability: must be a number from 0 to 1 (a share)"],
    ["hang", { watch: "yes" }, "parameters.watch: must be true or false"],
    ["hang", { path: "" }, "parameters.path: must be a text of 1 to 256 characters"],
    ["hang", { path: "x".repeat(257) }, "parameters.path: must be a text of 1 to 256 characters"],
    [
      "hang",
      { verb: "list,steal" },
      "parameters.verb: must be one or more of get, list, watch, create, update, patch, delete, deletecollection, with commas between",
    ],
    [
      "status",
      { resource: "Pods" },
      "parameters.resource: must be plural names with commas between, such as pods,clusterconnections/status; * stands for anything",
    ],
    ["garbage", { field: "a b" }, "parameters.field: must be a path with dots, such as status.phase"],
    ["unauthorized", { code: 402 }, "parameters.code: must be one of 401, 403"],
    ["truncate", { ending: "goaway" }, "parameters.ending: must be one of clean, length"],
    [
      "refuse",
      { verb: "get" },
      expect.stringMatching(/^parameters.verb: belongs to the fault hang, latency, .*, and watchstall alone$/),
    ],
    [
      "flap",
      { probability: 0.5 },
      expect.stringMatching(/^parameters.probability: belongs to the fault blackhole, refuse, /),
    ],
    [
      "hang",
      { variant: "json" },
      "parameters.variant: belongs to the fault garbage, tls, watch410, and watchstall alone",
    ],
    ["hang", { colour: 1 }, expect.stringMatching(/^parameters.colour: unknown parameter; hang takes verb, resource,/)],
    [
      "flap",
      { colour: 1 },
      "parameters.colour: unknown parameter; flap takes upMs, downMs, jitter, startMs, durationMs, seed",
    ],
    ["hang", 3, 'parameters: must be an object like {"latencyMs":3000}'],
    [
      "hang",
      { __proto__: null, constructor: 1 },
      expect.stringMatching(/^parameters.constructor: unknown parameter; hang takes verb/),
    ],
  ])("%s refuses %j", (fault, parameters, problem) => {
    expect(problemsOf(fault, parameters)).toEqual([problem]);
  });

  it("are described: what each fault looks like, and what each parameter means", () => {
    for (const fault of faultNames) {
      const { looks, traffic, parameters } = describeFault(fault);
      const all = [...parameters, ...describeTraffic(traffic)];
      expect(looks.length, fault).toBeGreaterThan(10);
      expect(all.map(({ name }) => name)).toEqual(Object.keys(parametersOf(fault)));
      for (const { name, values, about } of all) expect(Math.min(values.length, about.length), name).toBeGreaterThan(3);
    }
  });

  it("are told of in docs/simulator.md, word by word, and on the command line", () => {
    const guide = readFileSync(new URL("../../../../docs/simulator.md", import.meta.url), "utf8").split("\n");
    for (const row of [...faultRows(faultNames), ...trafficRows()]) expect(guide).toContain(row);
    const text = faultsText(["watch410", "flap"]);
    for (const told of ["watch410: ", "  variant: ", "      compaction: ", "  jitter: ", "  userAgent: "])
      expect(text).toContain(`\n${told}`.slice(told === "watch410: " ? 1 : 0));
  });

  it("list all that is wrong at once", () => {
    expect(problemsOf("status", { code: 1, retryAfter: -1, upMs: 5 })).toHaveLength(3);
    expect(() => parseFaultRule({ cluster: "", fault: "fire", when: 1 })).toThrow(InvalidInputError);
  });
});
