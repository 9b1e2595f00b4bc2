// `npm run chaos -- E-01`: the long form of a scenario. `--seed N` replays a course, `--short` runs what every test run runs,
// `--without breaker` (supervision, admission, "run deadlines") shows what a protection is good for. Without a name: all of them are listed.
import { parseArgs } from "node:util";
import { type Protection, protections } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    short: { type: "boolean", default: false },
    without: { type: "string" },
  },
});
const without = protections.find((known) => known === values.without);
const chosen = positionals.includes("all") ? scenarios : scenarios.filter(({ id }) => positionals.includes(id));
const unknown = positionals.filter((name) => name !== "all" && scenarios.every(({ id }) => id !== name));

if (positionals.length === 0 || unknown.length > 0 || !/^\d{1,9}$/.test(values.seed) || isUnknown(without)) {
  for (const name of unknown) console.error(`no scenario is called ${name}`);
  if (isUnknown(without)) console.error(`--without must be one of ${protections.join(", ")}`);
  if (!/^\d{1,9}$/.test(values.seed)) console.error("--seed must be a whole number");
  for (const { id, promise, time } of scenarios) console.log(`${id.padEnd(14)} ${time.padEnd(8)} ${promise}`);
  process.exitCode = positionals.length === 0 && unknown.length === 0 ? 0 : 2;
} else {
  let failed = 0;
  for (const scenario of chosen) {
    const options = { form: values.short ? "short" : "long", seed: Number(values.seed) } as const;
    const startedMs = performance.now();
    console.log(`${scenario.id}: ${scenario.promise} (${options.form} form, seed ${options.seed})`);
    try {
      const figures = await scenario.run({ ...options, ...(without === undefined ? {} : { without }) });
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

function isUnknown(found: Protection | undefined): boolean {
  return values.without !== undefined && found === undefined;
}
