import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { buildDashboardIfStale } from "../../../src/dashboard/build.ts";

let outDir: string;

beforeEach(async () => {
  outDir = await mkdtemp(join(tmpdir(), "clusterpulse-dashboard-"));
});

afterEach(() => rm(outDir, { recursive: true, force: true }));

it("builds once, also when several start at once, and finds the page fresh afterwards", async () => {
  const outcomes = await Promise.all([buildDashboardIfStale(outDir), buildDashboardIfStale(outDir)]);
  expect(outcomes).toContain("built");
  expect(await buildDashboardIfStale(outDir)).toBe("fresh");
  const page = await readFile(join(outDir, "index.html"), "utf8");
  const assets = await readdir(join(outDir, "assets"));
  for (const [, name] of page.matchAll(/assets\/([^"]+)"/g)) expect(assets).toContain(name);
  expect((await readdir(outDir)).sort()).toEqual([".stamp", "assets", "index.html"]);
});

it("makes a page that refers to its own origin only and has no inline script", async () => {
  await buildDashboardIfStale(outDir);
  const page = await readFile(join(outDir, "index.html"), "utf8");
  expect(page).not.toMatch(/https?:\/\//);
  for (const [script] of page.matchAll(/<script[\s\S]*?<\/script>/g))
    expect(script).toMatch(/src="\.\/assets\/[^"]+"><\/script>/);
});

it("builds again when the stamp is another one, and removes only what is old and unused", async () => {
  await mkdir(join(outDir, "assets"), { recursive: true });
  await writeFile(join(outDir, ".stamp"), "of another version");
  const [old, recent] = [join(outDir, "assets", "old.js"), join(outDir, "assets", "recent.js")];
  await writeFile(old, "");
  await writeFile(recent, "");
  await utimes(old, 1, 1);
  expect(await buildDashboardIfStale(outDir)).toBe("built");
  const assets = await readdir(join(outDir, "assets"));
  expect(assets).not.toContain("old.js");
  expect(assets).toContain("recent.js");
});

it("says clearly when the page cannot be written", async () => {
  const file = join(outDir, "a-file");
  await writeFile(file, "");
  await expect(buildDashboardIfStale(file)).rejects.toMatchObject({
    code: "DASHBOARD_BUILD_FAILED",
    message: expect.stringContaining("could not be built"),
  });
});
