// Fault rules from outside: every fault takes its own parameters and says what is wrong with others.
import { describe, expect, it } from "vitest";
import { faultBehaviours } from "../../../../src/simulator/faults/kinds.ts";
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
    expect(Object.keys(faultBehaviours).sort()).toEqual([...faultNames].sort());
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
    ["garbage", { variant: "expired" }, "parameters.variant: must be one of json, html, gzip"],
    ["flap", { upMs: 49 }, "parameters.upMs: must be a whole number from 50 to 3600000 (milliseconds)"],
    ["hang", { variant: "json" }, "parameters.variant: belongs to the fault garbage and tls alone"],
    ["hang", { colour: 1 }, "parameters.colour: unknown parameter; hang takes none"],
    ["flap", { colour: 1 }, "parameters.colour: unknown parameter; flap takes upMs, downMs"],
    ["hang", 3, 'parameters: must be an object like {"latencyMs":3000}'],
    ["hang", { __proto__: null, constructor: 1 }, "parameters.constructor: unknown parameter; hang takes none"],
  ])("%s refuses %j", (fault, parameters, problem) => {
    expect(problemsOf(fault, parameters)).toEqual([problem]);
  });

  it("list all that is wrong at once", () => {
    expect(problemsOf("status", { code: 1, retryAfter: -1, upMs: 5 })).toHaveLength(3);
    expect(() => parseFaultRule({ cluster: "", fault: "fire", when: 1 })).toThrow(InvalidInputError);
  });
});
