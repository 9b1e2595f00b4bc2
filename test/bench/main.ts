// npm run bench -- NAME: runs the bench of that name, a file of this folder that exports `measures`.
// Prints both medians with their quartiles and, last, `NAME: ratio R (goal G)`; exits 1 if a goal is missed.
import { readdirSync } from "node:fs";
import { type Measure, run } from "./harness.ts";

const helpers: ReadonlySet<string> = new Set(["main.ts", "harness.ts", "hub-probe.ts"]);
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !helpers.has(file))
  .map((file) => file.slice(0, -".ts".length));
const name = process.argv[2] ?? "";

if (!names.includes(name)) {
  console.error(`Say which bench to run: ${names.join(", ")}.`);
  process.exitCode = 2;
} else {
  const { measures } = (await import(`./${name}.ts`)) as { measures(): AsyncIterable<Measure> };
  for await (const measure of measures()) if (!(await run(measure))) process.exitCode = 1;
}
