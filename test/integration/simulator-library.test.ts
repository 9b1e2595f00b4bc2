// The simulator as others use it: by the name of the package, from a project of their own, as docs/simulator.md shows it.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { startSimulator, VirtualClock } from "../../src/simulator/index.ts";
import { root } from "../support/processes.ts";

const project = mkdtempSync(join(tmpdir(), "clusterpulse-library-"));

beforeAll(() => {
  // As `npm install <path of the clone>` links it.
  for (const [name, target] of [
    ["clusterpulse-hub", root],
    ["@kubernetes/client-node", join(root, "node_modules/@kubernetes/client-node")],
  ] as const) {
    const link = join(project, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link);
  }
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

function runProgram(text: string): Promise<string> {
  const file = join(project, "program.mjs");
  writeFileSync(file, text);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file], { cwd: project, timeout: 60_000 }, (error, output, errors) => {
      if (error === null) resolve(output);
      else reject(new Error(errors.slice(0, 2_000)));
    });
  });
}

describe("clusterpulse-hub/simulator", () => {
  test("runs the documented program as it stands, which prints what is said beside it", async () => {
    const page = readFileSync(join(root, "docs/simulator.md"), "utf8");
    const [, program = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
    expect(program).toContain('from "clusterpulse-hub/simulator"');
    const promised = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
    expect(promised.length).toBeGreaterThan(3);
    expect((await runProgram(program)).trim().split("\n")).toEqual(promised);
  });

  test("names any context as the current one, and no other", async () => {
    const fleet = await startSimulator({ clusters: 2, seed: 1, preset: "tiny" });
    try {
      const current = (text: string): unknown => (parse(text) as Record<string, unknown>)["current-context"];
      expect(current(fleet.kubeconfig())).toBe("hub");
      const name = fleet.clusters[1]?.name ?? "";
      expect(current(fleet.kubeconfig(name))).toBe(name);
      expect(() => fleet.kubeconfig("nothing")).toThrow(expect.objectContaining({ code: "SIMULATED_CLUSTER_UNKNOWN" }));
    } finally {
      await fleet.close();
    }
  });

  test("creates objects of kinds that it was given before, by the rules of the API", async () => {
    const fleet = await startSimulator({ clusters: 1, seed: 1, preset: "tiny", clock: new VirtualClock() });
    try {
      const thing = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "one" }, spec: { size: "large" } };
      expect(() => fleet.hub.create(thing)).toThrow(expect.objectContaining({ code: "SIMULATED_KIND_UNKNOWN" }));
      fleet.hub.create({
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "things.example.com" },
        spec: {
          group: "example.com",
          scope: "Namespaced",
          names: { plural: "things", kind: "Thing" },
          versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: thingSchema } }],
        },
      });
      expect(() => fleet.hub.create(thing)).toThrow(/spec\.size: Invalid value/);
      fleet.hub.create({ ...thing, spec: { size: 3 } });
      expect(() => fleet.hub.create({ ...thing, spec: { size: 3 } })).toThrow(/already exists/);
    } finally {
      await fleet.close();
    }
  });
});

const thingSchema = {
  type: "object",
  properties: { spec: { type: "object", properties: { size: { type: "integer" } } } },
};
