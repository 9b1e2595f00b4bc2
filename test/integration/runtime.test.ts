// The pinned runtime: scripts run on it whatever the machine has, and an older one gets one clear line.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pinned = (JSON.parse(readFileSync(join(root, "tools/node/package.json"), "utf8")) as { version: string }).version;
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-runtime-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Lock {
  packages: Record<
    string,
    { devDependencies?: object; dependencies?: object; resolved?: string; integrity?: string; link?: boolean }
  >;
}
const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;

/** Without the test runner's own node_modules/.bin in front, as on a user's shell. */
const { NODE_OPTIONS: _options, ...cleanEnv } = process.env;

describe("the pinned runtime", () => {
  test("npm run reports its version also after npm ci --ignore-scripts", { timeout: 180_000 }, () => {
    // The lock file cut down to the runtime's own entries: the same hashes, without the other 280 packages.
    const manifest = {
      name: "runtime-only",
      private: true,
      scripts: { which: "node --version" },
      devDependencies: { "pinned-node": "file:tools/node" },
    };
    const kept = Object.entries(lock.packages).filter(
      ([path]) => path === "tools/node" || /^node_modules\/(pinned-node|node-(bin-)?(linux|darwin|win))/.test(path),
    );
    const packages = {
      "": { name: manifest.name, devDependencies: manifest.devDependencies },
      ...Object.fromEntries(kept),
    };
    mkdirSync(join(scratch, "tools"));
    cpSync(join(root, "tools/node"), join(scratch, "tools/node"), { recursive: true });
    cpSync(join(root, ".npmrc"), join(scratch, ".npmrc"));
    writeFileSync(join(scratch, "package.json"), JSON.stringify(manifest));
    writeFileSync(
      join(scratch, "package-lock.json"),
      JSON.stringify({ name: manifest.name, lockfileVersion: 3, requires: true, packages }),
    );

    const install = spawnSync("npm", ["ci", "--ignore-scripts", "--prefer-offline"], {
      cwd: scratch,
      env: cleanEnv,
      encoding: "utf8",
    });
    expect(install.status, install.stderr).toBe(0);
    const version = spawnSync("npm", ["run", "-s", "which"], { cwd: scratch, env: cleanEnv, encoding: "utf8" });
    expect(version.stdout.trim()).toBe(`v${pinned}`);
  });

  test("these tests run on it", () => {
    expect(process.version).toBe(`v${pinned}`);
  });

  test("an older runtime is told in one line what to do", () => {
    const guard = join(root, "tools/guard.mjs");
    const older = `Object.defineProperty(process.versions, "node", { value: "20.1.0" }); await import(${JSON.stringify(guard)});`;
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", older], { encoding: "utf8" });
    expect(run.status).toBe(1);
    expect(run.stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/runs on Node\.js .*this is 20\.1\.0.*npm ci/),
    ]);
  });
});

describe("the lock file", () => {
  test("names no registry host and has a hash for every package", () => {
    const bad = Object.entries(lock.packages).filter(
      ([path, entry]) =>
        path !== "" &&
        path !== "tools/node" &&
        entry.link !== true &&
        (entry.resolved !== undefined || !entry.integrity),
    );
    expect(bad.map(([path]) => path)).toEqual([]);
  });
});
