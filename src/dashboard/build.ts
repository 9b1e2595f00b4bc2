// Builds the page when it was never built or its sources have changed since. Runs under Node, in the hub's process; the
// build itself is a child process, so that neither its memory nor its NODE_ENV stays behind.
// Concurrent calls do not disturb each other: each builds into a folder of its own and moves the files into place one by
// one, the entry page after what it refers to and the stamp last.
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { ClusterPulseError } from "../support/errors.ts";

const sources = import.meta.dirname;
const manifest = join(sources, "../../package.json");
const stampName = ".stamp";
const stagingPrefix = ".staging-";
const buildDeadlineMs = 120_000;
/** Files that a newer build no longer has stay this long: an open page may still load them. */
const keepUnusedMs = 24 * 3600 * 1000;

/** Where the built page is. */
export const dashboardDist = join(sources, "dist");

/**
 * Makes sure that `outDir` (default: dashboardDist) holds the page as its sources are now. `fresh`: it already did.
 * Throws ClusterPulseError DASHBOARD_BUILD_FAILED with the compiler's first lines, or what is missing.
 */
export async function buildDashboardIfStale(outDir = dashboardDist): Promise<"fresh" | "built"> {
  try {
    const stamp = await hashSources();
    const built = await readFile(join(outDir, stampName), "utf8").catch(() => null);
    if (built === stamp) return "fresh";
    const staging = join(outDir, `${stagingPrefix}${randomUUID()}`);
    await mkdir(staging, { recursive: true });
    try {
      await compile(staging);
      await install(staging, outDir);
      await writeFile(join(staging, stampName), stamp);
      await rename(join(staging, stampName), join(outDir, stampName));
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
    return "built";
  } catch (error) {
    if (ClusterPulseError.is(error)) throw error;
    const detail = error instanceof Error ? error.message.split("\n", 1)[0] : "unknown cause";
    throw failed(`the files of the page could not be read or written: ${detail}`);
  }
}

/** A digest of every source file and of the exact versions of all packages. */
async function hashSources(): Promise<string> {
  const hash = createHash("sha256").update(await readFile(manifest));
  for (const file of await filesOf(sources, "dist")) {
    hash.update(`\0${file}\0`).update(await readFile(join(sources, file)));
  }
  return hash.digest("hex");
}

async function compile(outDir: string): Promise<void> {
  const vite = locateVite();
  const args = [vite, "build", sources, "--configLoader", "native", "--logLevel", "error", "--outDir", outDir];
  try {
    await promisify(execFile)(process.execPath, args, {
      env: { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "" },
      timeout: buildDeadlineMs,
      maxBuffer: 1 << 20,
    });
  } catch (error) {
    const { killed, stderr = "" } = error as { killed?: boolean; stderr?: string };
    const output = stderr.trim().slice(0, 1000);
    throw failed(killed ? `no result within ${buildDeadlineMs / 1000} s` : output || "the compiler gave no reason");
  }
}

function locateVite(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin/vite.js");
  } catch {
    throw failed(
      "its development packages are not installed. Run npm ci without --omit=dev, or use a release that has the page built in",
    );
  }
}

async function install(staging: string, outDir: string): Promise<void> {
  const files = await filesOf(staging);
  files.sort((a, b) => Number(a === "index.html") - Number(b === "index.html"));
  for (const file of files) {
    await mkdir(dirname(join(outDir, file)), { recursive: true });
    await rename(join(staging, file), join(outDir, file));
  }
  await prune(outDir, new Set(files));
}

/** Removes what earlier builds left: scripts and styles of older pages, and the folders of builds that were killed. */
async function prune(outDir: string, current: ReadonlySet<string>): Promise<void> {
  const assets = (await readdir(join(outDir, "assets"))).map((name) => join("assets", name));
  const stagings = (await readdir(outDir)).filter((name) => name.startsWith(stagingPrefix));
  for (const path of [...assets.filter((file) => !current.has(file)), ...stagings]) {
    if (Date.now() - (await modifiedMs(join(outDir, path))) > keepUnusedMs) {
      await rm(join(outDir, path), { recursive: true, force: true });
    }
  }
}

/** Modification time; now for a file that another build has just moved away. */
async function modifiedMs(path: string): Promise<number> {
  const stats = await stat(path).catch(() => null);
  return stats?.mtimeMs ?? Date.now();
}

/** Paths of all files below a folder, relative to it, in order; `skip` names a folder at its top to leave out. */
async function filesOf(folder: string, skip?: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const lists = entries.map(async (entry) => {
    if (!entry.isDirectory()) return [entry.name];
    if (entry.name === skip) return [];
    return (await filesOf(join(folder, entry.name))).map((file) => join(entry.name, file));
  });
  return (await Promise.all(lists)).flat().sort();
}

function failed(why: string): ClusterPulseError {
  return new ClusterPulseError("DASHBOARD_BUILD_FAILED", `The web page could not be built: ${why}.`);
}
