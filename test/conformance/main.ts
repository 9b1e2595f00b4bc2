// `npm run -s conformance -- --fleet DIR`: runs the hub on a recorded fleet and compares it with what the original made of it.
// `--vectors DIR`: runs the vector files of a folder; with `--strict`, suites that cannot be run count as failed.
// Prints each failure and, last, `N passed, N failed`; exit code 1 on a failure. `--write-docs` writes docs/compatibility.md.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { Flags } from "../../src/cli/options.ts";
import { runProgram } from "../../src/cli/program.ts";
import { absent } from "./compare.ts";
import { compatibilityPage, readDifferences } from "./differences.ts";
import { compareFleet, type Outcome } from "./fleet.ts";
import { reportLines, runVectors } from "./vectors/run.ts";

const program = new Command("npm run -s conformance --")
  .description(
    "compare the hub with what the original did: with --fleet on a recorded fleet, with --vectors case by case",
  )
  .option("--fleet <folder>", "a recorded fleet: a folder with a fleet.json")
  .option("--store <store>", "with --fleet: memory, or redis://...; a redis-server of its own unless told")
  .option("--vectors <folder>", "run its vector files")
  .option("--strict", "with --vectors: suites that cannot be run count as failed")
  .option("--write-docs", "write docs/compatibility.md")
  .allowUnknownOption(true)
  .allowExcessArguments(true)
  .action(async (_options, command: Command) => {
    const flags = new Flags(command);
    const [fleet, vectors] = [flags.text("fleet"), flags.text("vectors")];
    const writesDocs = flags.on("write-docs");
    if ([fleet !== undefined, vectors !== undefined, writesDocs].filter(Boolean).length !== 1)
      flags.problem("one of --fleet FOLDER, --vectors FOLDER and --write-docs is needed");
    if (fleet !== undefined && !existsSync(join(fleet, "fleet.json")))
      flags.problem(`--fleet: there is no fleet.json in ${resolve(fleet)}`);
    if (vectors !== undefined && !existsSync(vectors)) flags.problem(`--vectors: there is no folder ${vectors}`);
    flags.end();
    const differences = readDifferences();
    if (writesDocs)
      writeFileSync(new URL("../../docs/compatibility.md", import.meta.url), compatibilityPage(differences));
    if (vectors !== undefined) process.exitCode = await runFolder(vectors, flags.on("strict"));
    if (fleet !== undefined)
      process.exitCode = await withStore(flags.text("store"), async (store) =>
        report(await compareFleet(resolve(fleet), store, differences)),
      );
  });

async function runFolder(folder: string, isStrict: boolean): Promise<number> {
  const result = await runVectors(resolve(folder));
  const { lines, failed } = reportLines(result, isStrict);
  process.stdout.write(`${lines.join("\n")}\n`);
  return failed > 0 || result.passed === 0 ? 1 : 0;
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

await runProgram(program, "conformance");
