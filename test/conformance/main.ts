// `npm run -s conformance -- --fleet DIR`: runs the hub on a recorded fleet and compares it with what the original made of it.
// `--vectors DIR`: runs the vector files of a folder; with `--strict`, suites that cannot be run count as failed.
// Prints each failure and, last, `N passed, N failed`; exit code 1 on a failure. `--write-docs` writes docs/compatibility.md.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { absent } from "./compare.ts";
import { compatibilityPage, readDifferences } from "./differences.ts";
import { compareFleet, type Outcome } from "./fleet.ts";
import { reportLines, runVectors } from "./vectors/run.ts";

const usage =
  "usage: npm run -s conformance -- --fleet DIR [--store memory|redis://...]\n" +
  "       npm run -s conformance -- --vectors DIR [--strict]";

async function main(): Promise<number> {
  const values = readFlags();
  if (values === undefined) return refuse(usage);
  const differences = readDifferences();
  if (values["write-docs"] === true) {
    writeFileSync(new URL("../../docs/compatibility.md", import.meta.url), compatibilityPage(differences));
    return 0;
  }
  if (values.vectors !== undefined && values.fleet === undefined)
    return vectors(values.vectors, values.strict === true);
  if (values.fleet === undefined || values.vectors !== undefined) return refuse(usage);
  const folder = resolve(values.fleet);
  if (!existsSync(join(folder, "fleet.json"))) return refuse(`--fleet: there is no fleet.json in ${folder}`);
  const outcomes = await withStore(values.store, (store) => compareFleet(folder, store, differences));
  return report(outcomes);
}

async function vectors(folder: string, isStrict: boolean): Promise<number> {
  if (!existsSync(folder)) return refuse(`--vectors: there is no folder ${folder}`);
  const result = await runVectors(resolve(folder));
  const { lines, failed } = reportLines(result, isStrict);
  process.stdout.write(`${lines.join("\n")}\n`);
  return failed > 0 || result.passed === 0 ? 1 : 0;
}

function readFlags() {
  const options = {
    fleet: { type: "string" },
    store: { type: "string" },
    vectors: { type: "string" },
    strict: { type: "boolean" },
    "write-docs": { type: "boolean" },
  } as const;
  try {
    return parseArgs({ options }).values;
  } catch {
    return undefined;
  }
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n`);
  return 2;
}

/** The store that was asked for, else a redis-server of its own where there is one, else memory. */
async function withStore<T>(asked: string | undefined, run: (store: string) => Promise<T>): Promise<T> {
  if (asked !== undefined) return run(asked);
  if (spawnSync("redis-server", ["--version"]).status !== 0) {
    process.stdout.write("no redis-server here: the values are kept in memory\n");
    return run("memory");
  }
  const { startRedis } = await import("../support/redis.ts");
  const redis = await startRedis();
  try {
    return await run(redis.url);
  } finally {
    await redis.stop();
  }
}

const shown = (value: unknown): string => (value === absent ? "nothing" : JSON.stringify(value).slice(0, 300));

function report(outcomes: readonly Outcome[]): number {
  const failed = outcomes.filter(({ failures }) => failures.length > 0);
  const notYet = outcomes.filter(({ isNotYet }) => isNotYet);
  for (const { failures } of failed) {
    for (const { path, original, ours } of failures) {
      process.stdout.write(`FAILED ${path}\n  original ${shown(original)}\n  here     ${shown(ours)}\n`);
    }
  }
  const byId = Map.groupBy(
    outcomes.flatMap(({ explainedBy }) => explainedBy),
    (id) => id,
  );
  for (const [id, uses] of byId) process.stdout.write(`differs as listed: ${id} (${uses.length})\n`);
  if (notYet.length > 0) process.stdout.write(`${notYet.length} not compared: not built yet\n`);
  const passed = outcomes.length - failed.length - notYet.length;
  process.stdout.write(`${passed} passed, ${failed.length} failed\n`);
  return failed.length > 0 || passed === 0 ? 1 : 0;
}

process.exitCode = await main();
