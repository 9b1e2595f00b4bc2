// `npm test`: every stage runs, also after a failure, and is counted; failures are named at the end, where a cut log still
// shows them, and the last line sums up.
// Exit code 1 on any failure and when nothing was tested. `npm test -- unit integration` runs only the named stages.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line per failure: where it is and what the error said. */
  readonly failures: readonly string[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-test-"));

/** Runs a command with the test's own output; resolves with its exit code. */
function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
    child.once("error", () => resolve(127));
    child.once("close", (code) => resolve(code ?? 1));
  });
}

const failure = (reason: string): Counts => ({ passed: 0, failed: 1, skipped: 0, failures: [reason] });

/** A stage that either holds or does not: one test. */
const check =
  (command: string, ...args: string[]) =>
  async (): Promise<Counts> => {
    const code = await run(command, args);
    return code === 0 ? { passed: 1, failed: 0, skipped: 0, failures: [] } : failure(`exit code ${code}`);
  };

/** A vitest project; a run that wrote no counts is a failure. */
const suite = (project: string) => async (): Promise<Counts> => {
  const file = join(scratch, `${project}.json`);
  const code = await run(bin("vitest"), ["run", "--project", project], { CLUSTERPULSE_TEST_COUNTS: file });
  try {
    const counts = JSON.parse(readFileSync(file, "utf8")) as Counts;
    if (code === 0 || counts.failed > 0) return counts;
    return { ...counts, failed: 1, failures: [`exit code ${code}`] };
  } catch {
    return failure(`exit code ${code}, and no counts`);
  }
};

const stages: Record<string, () => Promise<Counts>> = {
  lint: check(bin("biome"), "ci", "--colors=off", "--error-on-warnings"),
  types: check(bin("tsc"), "-p", "."),
  "types-dashboard": check(bin("tsc"), "-p", "src/dashboard"),
  layers: check(process.execPath, "tools/check-layers.ts"),
  unit: suite("unit"),
  integration: suite("integration"),
  e2e: suite("e2e"),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in stages));
if (unknown.length > 0) {
  process.stderr.write(`unknown stage ${unknown.join(", ")}; the stages are ${Object.keys(stages).join(", ")}\n`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
const lines: string[] = [];
const failures: string[] = [];
for (const [name, stage] of Object.entries(stages)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stdout.write(`\n== ${name}\n`);
  const startedAt = performance.now();
  const counts = await stage();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  lines.push(
    `${name.padEnd(16)} ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped, ${seconds} s`,
  );
  failures.push(...counts.failures.map((failed) => `FAILED ${name}: ${failed}`));
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\n${[...failures, ...lines].join("\n")}\n`);
process.stdout.write(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}\n`,
);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
