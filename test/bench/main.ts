// npm run bench -- NAME: runs the bench of that name, a file of this folder that exports `measures`.
// Prints both medians with their quartiles and, last, `NAME: ratio R (goal G)`; exits 1 if a goal is missed.
import { readdirSync } from "node:fs";
import { Command } from "commander";
import { Flags } from "../../src/cli/options.ts";
import { runProgram } from "../../src/cli/program.ts";
import { type Measure, run } from "./harness.ts";

const helpers: ReadonlySet<string> = new Set(["main.ts", "harness.ts", "hub-probe.ts"]);
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !helpers.has(file))
  .map((file) => file.slice(0, -".ts".length));

const program = new Command("npm run -s bench --")
  .description("measure one thing against a reference; exit code 1 when its goal is missed (docs/benchmarks.md)")
  .argument("<name>", names.join(", "))
  .allowUnknownOption(true)
  .allowExcessArguments(true)
  .action(async (name: string, _options, command: Command) => {
    const flags = new Flags(command, 1);
    if (!name.startsWith("-") && !names.includes(name))
      flags.problem(`there is no bench ${JSON.stringify(name)}; there are ${names.join(", ")}`);
    flags.end();
    const { measures } = (await import(`./${name}.ts`)) as { measures(): AsyncIterable<Measure> };
    for await (const measure of measures()) if (!(await run(measure))) process.exitCode = 1;
  });

await runProgram(program, "bench");
