// The layer check must be able to fail: it is fed a tree with one planted fault at a time.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { checkLayers } from "../../tools/check-layers.ts";

const planted: string[] = [];

function plant(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "clusterpulse-layers-"));
  planted.push(root);
  writeFileSync(join(root, "tsconfig.json"), "{}");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

afterEach(() => {
  for (const root of planted.splice(0)) rmSync(root, { recursive: true, force: true });
});

const sound = {
  "src/cli/main.ts": 'import { a } from "../support/a.ts";\nexport const main = a;\n',
  "src/support/a.ts": "export const a = 1;\n",
};

describe("the layer check", () => {
  test("passes a tree whose arrows all point down", () => {
    expect(checkLayers(plant(sound))).toEqual([]);
  });

  test("catches an upward arrow, also one that is only a type", () => {
    const root = plant({
      ...sound,
      "src/support/b.ts": 'import type { main } from "../cli/main.ts";\nexport type B = typeof main;\n',
    });
    expect(checkLayers(root)).toEqual(["no-upward-arrow-from-support: src/support/b.ts -> src/cli/main.ts"]);
  });

  test("catches a cycle inside one room", () => {
    const root = plant({
      ...sound,
      "src/support/b.ts": 'import { c } from "./c.ts";\nexport const b = (): unknown => c;\n',
      "src/support/c.ts": 'import { b } from "./b.ts";\nexport const c = (): unknown => b;\n',
    });
    expect(checkLayers(root).map((line) => line.split(":")[0])).toEqual(["no-cycle"]);
  });

  test.each([
    ["the server reaching for an actor", "src/server/a.ts", "actors/hub/a.ts", "server-knows-no-actors"],
    ["the page importing a room", "src/dashboard/a.ts", "src/view/a.ts", "dashboard-talks-http-only"],
    [
      "the actor runtime learning of Kubernetes",
      "actors/system/a.ts",
      "src/kube/a.ts",
      "actor-runtime-knows-no-kubernetes",
    ],
    ["the simulator borrowing the code under test", "src/simulator/a.ts", "src/cluster/a.ts", "simulator-stands-alone"],
    ["a room starting the simulator", "src/server/a.ts", "src/simulator/a.ts", "only-cli-starts-the-simulator"],
    [
      "an upward arrow between actors and workers",
      "workers/a.ts",
      "actors/cluster/a.ts",
      "no-upward-arrow-from-workers",
    ],
  ])("catches %s", (_what, from, to, rule) => {
    const root = plant({
      [from]: `export * from "${"../".repeat(from.split("/").length - 1)}${to}";\n`,
      [to]: "export const a = 1;\n",
    });
    expect(checkLayers(root).some((line) => line.startsWith(`${rule}: `))).toBe(true);
  });

  test("fails on a tree in which it sees nothing", () => {
    expect(checkLayers(plant({ "src/README.md": "no modules" }))).toContain("the layer check found no files");
  });
});
