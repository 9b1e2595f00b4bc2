// Any fault with any parameters that are allowed: the simulator survives it, its neighbour does not notice, and healing ends it.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Bound } from "../../src/simulator/faults/bounds.ts";
import { parametersOf } from "../../src/simulator/faults/parameters.ts";
import {
  type FaultRule,
  faultNames,
  parseFaultRule,
  type Simulator,
  startSimulator,
} from "../../src/simulator/index.ts";
import { type Access, accessTo, askHttp1, askHttp2 } from "../support/wire-client.ts";

/** So many clusters are broken at a time. */
const sickClusters = 8;
let simulator: Simulator;
let well: Access;
const nameOf = (index: number): string => simulator.clusters[index]?.name as string;

beforeAll(async () => {
  simulator = await startSimulator({ clusters: sickClusters + 1, seed: 51, preset: "tiny" });
  well = accessTo(simulator, nameOf(sickClusters));
});
afterAll(() => simulator.close());

/** Small numbers: what takes a gigabyte or a minute shows no more than what takes a little. */
const mostOfNumbers = 300;
const texts = ["list", "get", "pods", "nodes", "/api/*", "*", "status", "status.phase", "apps"];

function anyValue(bound: Bound): fc.Arbitrary<unknown> {
  switch (bound.kind) {
    case "number": {
      const range = { min: bound.low, max: Math.max(bound.low, Math.min(bound.high, mostOfNumbers)) };
      return bound.hasFraction === true ? fc.double({ ...range, noNaN: true }) : fc.integer(range);
    }
    case "choice":
      return fc.constantFrom(...bound.choices);
    case "flag":
      return fc.boolean();
    case "text":
      return fc.constantFrom(...texts);
  }
}

const slow = new Set(["sizeMib"]);
const anyRule = fc.constantFrom(...faultNames).chain((fault) => {
  const bounds = Object.entries(parametersOf(fault)).filter(([name]) => !slow.has(name));
  const values = Object.fromEntries(bounds.map(([name, bound]) => [name, anyValue(bound)]));
  return fc.record(values, { requiredKeys: [] }).map((parameters) => ({ fault, parameters }));
});

const isAllowed = (rule: object): boolean => {
  try {
    parseFaultRule({ cluster: "c", ...rule });
    return true;
  } catch {
    return false;
  }
};

type Rule = Omit<FaultRule, "cluster">;

async function survives(rule: Rule, index: number): Promise<void> {
  const cluster = nameOf(index);
  const sick = accessTo(simulator, cluster);
  await simulator.faults.add({ cluster, ...rule });
  const signal = AbortSignal.timeout(150);
  await Promise.all([
    askHttp1(sick, "/api/v1/pods", { signal }),
    askHttp1(sick, "/api/v1/nodes?watch=1", { signal }),
    askHttp1(sick, "/apis", { signal }),
    Promise.race([askHttp2(sick, "/api/v1/nodes"), new Promise((resolve) => setTimeout(resolve, 150))]),
  ]);
  expect((await askHttp1(well, "/api/v1/pods")).status).toBe(200);
  await simulator.faults.remove(cluster);
  const healed = await Promise.all([askHttp1(sick, "/version"), askHttp2(sick, "/version")]);
  expect(healed.map(({ status }) => status)).toEqual([200, 200]);
}

/** Each on a cluster of its own, as many at a time as there are. */
async function allSurvive(rules: readonly Rule[]): Promise<void> {
  const left = [...rules];
  const takeTurns = async (index: number): Promise<void> => {
    for (let rule = left.shift(); rule !== undefined; rule = left.shift()) await survives(rule, index);
  };
  await Promise.all(Array.from({ length: sickClusters }, (_, index) => takeTurns(index)));
}

test("each choice of each fault", async () => {
  const rules = faultNames.flatMap((fault): Rule[] => {
    const choices = Object.entries(parametersOf(fault)).flatMap(([name, bound]) =>
      bound.kind === "choice" ? bound.choices.map((choice) => ({ fault, parameters: { [name]: choice } })) : [],
    );
    return [{ fault }, ...choices];
  });
  await allSurvive(rules);
}, 60_000);

test("any parameters, together", async () => {
  const anyRules = fc.array(anyRule.filter(isAllowed), { minLength: 1, maxLength: 2 * sickClusters });
  await fc.assert(
    fc.asyncProperty(anyRules, (rules) => allSurvive(rules as readonly Rule[])),
    { numRuns: 5, endOnFailure: true },
  );
}, 60_000);
