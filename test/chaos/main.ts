// `npm run chaos -- E-01`: the long form of a scenario. `--seed N` replays a course, `--short` runs what every test run runs,
// `--without breaker` (supervision, admission, "run deadlines") shows what a protection is good for. Without a name: all of them are listed.
import { Command } from "commander";
import { Flags } from "../../src/cli/options.ts";
import { runProgram } from "../../src/cli/program.ts";
import { protections, type ScenarioOptions } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

const list = scenarios.map(({ id, promise, time }) => `${id.padEnd(14)} ${time.padEnd(8)} ${promise}`).join("\n");

const program = new Command("npm run -s chaos --")
  .description("run scenarios in which something breaks, and see what is promised hold; without a name, list them")
  .argument("[scenarios...]", "such as E-01; all: every one")
  .option("--seed <n>", "replays a course (1)")
  .option("--short", "the form that every test run runs")
  .option("--without <protection>", `takes one away, to see what it is good for: ${protections.join(", ")}`)
  .addHelpText("after", `\n${list}`)
  .allowUnknownOption(true)
  .action(async (names: readonly string[], _options, command: Command) => {
    const flags = new Flags(command, Number.POSITIVE_INFINITY);
    const seed = flags.integer("seed", { min: 0, max: 999_999_999 }, 1);
    const without = flags.oneOf("without", protections, undefined);
    for (const name of names)
      if (!name.startsWith("-") && name !== "all" && scenarios.every(({ id }) => id !== name))
        flags.problem(`there is no scenario ${JSON.stringify(name)}; without a name all are listed`);
    flags.end();
    if (names.length === 0) console.log(list);
    else await run(names, { form: flags.on("short") ? "short" : "long", seed, ...(without && { without }) });
  });

async function run(names: readonly string[], options: ScenarioOptions): Promise<never> {
  const chosen = names.includes("all") ? scenarios : scenarios.filter(({ id }) => names.includes(id));
  let failed = 0;
  for (const scenario of chosen) {
    const startedMs = performance.now();
    console.log(`${scenario.id}: ${scenario.promise} (${options.form} form, seed ${options.seed})`);
    try {
      const figures = await scenario.run(options);
      for (const [name, value] of Object.entries(figures)) console.log(`  ${name}: ${Math.round(value * 100) / 100}`);
      console.log(`  held, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
    } catch (error) {
      failed++;
      console.error(`  BROKEN after ${((performance.now() - startedMs) / 1_000).toFixed(1)} s: ${String(error)}`);
    }
  }
  console.log(`${chosen.length - failed} held, ${failed} broken`);
  process.exit(failed > 0 ? 1 : 0);
}

await runProgram(program, "chaos");
