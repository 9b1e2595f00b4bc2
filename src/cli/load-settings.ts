// The flags of `clusterpulse load`, read and checked whole before anything is started: everything that is wrong is said at once.
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import type { LoadLimits } from "../load/report.ts";
import { faultNames } from "../simulator/faults/names.ts";
import { chooseBroken, type FaultShare, parseFaultShares } from "../simulator/scenario/shares.ts";
import { presetNames } from "../simulator/world/profile.ts";
import { InvalidInputError } from "../support/errors.ts";
import type { LoadSettings } from "./load-parts.ts";
import { Flags } from "./options.ts";

const maxScenarioBytes = 256 * 1024;
/** What only a fleet of its own can be given. */
const fleetFlags = ["clusters", "preset", "metric-sources", "registries", "simulator-processes"];

export interface LoadRunSettings extends LoadSettings {
  readonly baselineSeconds: number;
  readonly limits: LoadLimits;
  readonly faultShares: readonly FaultShare[];
  /** The text of its YAML. */
  readonly scenarioText: string | undefined;
}

/** Adds every flag to the command. */
export function withLoadFlags(command: Command): Command {
  return command
    .option("--clusters <n>", "how many clusters (100)")
    .option("--preset <size>", `${presetNames.join(", ")} (small)`)
    .option("--seed <n>", "the same seed makes the same fleet and breaks the same clusters (1)")
    .option("--interval <seconds>", "between two cycles of a cluster (30); a hub of its own takes 30 at the least")
    .option("--duration <seconds>", "how long to measure (120)")
    .option("--warm-up <seconds>", "before measuring; two intervals unless told")
    .option("--faults <list>", "such as blackhole=20%,slowbody=5% or hang=3")
    .option(
      "--baseline <seconds>",
      "measure so long without faults first, then switch them on, wait two intervals, and measure: both are compared",
    )
    .option(
      "--scenario <file>",
      "a timeline of faults, heals and clusters that go and come back, from the first measured second on",
    )
    .option("--metric-sources <n>", "how many MetricSources read every cluster (0)")
    .option("--registries <n>", "how many container registries (0)")
    .option("--simulator-processes <n>", "how many processes serve the simulated clusters (1)")
    .option(
      "--against <url>",
      "measure the hub that serves its API there, on the simulator that runs here; nothing is started",
    )
    .option("--simulator <pid>", "with --against: the process id of its simulator, when several run")
    .option("--store <url>", "redis://...; a redis-server of its own unless told")
    .option("--report <name>", "writes NAME.json and NAME.html")
    .option("--max-lateness-p99 <ms>", "exit 1 when healthy clusters are later, or miss a cycle")
    .option("--max-p99-ratio <ratio>", "exit 1 when they are later than so many times what they were in --baseline")
    .option("--max-first-view <seconds>", "exit 1 when it takes longer until all healthy clusters are seen")
    .option("--max-recovery <seconds>", "exit 1 when it takes longer until all that healed at one time are seen again")
    .option("--max-rss-mb <mb>", "exit 1 when the hub's resident memory is larger")
    .option("--max-cpu-u <units>", "exit 1 when a cluster's cycle costs the hub more CPU, in units U (see --unit)")
    .option(
      "--unit",
      "print the unit U: the CPU time of one JSON.parse of 5,000 PersistentVolumeClaims on this machine",
    )
    .option("--compare", "compare two reports: load --compare A.json B.json");
}

/** Throws InvalidInputError that lists everything wrong. */
export async function readLoadSettings(command: Command): Promise<LoadRunSettings> {
  const flags = new Flags(command);
  const taken = <T>(read: () => T, otherwise: T, where = ""): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      for (const problem of error.problems) flags.problem(`${where}${problem}`);
      return otherwise;
    }
  };
  const against = flags.text("against") === undefined ? undefined : flags.url("against", "http://127.0.0.1:8080");
  // A hub that runs already may poll as often as it likes.
  const intervalSeconds = flags.integer("interval", { min: against === undefined ? 30 : 1, max: 3_600 }, 30);
  const faults = flags.text("faults") ?? "";
  const scenario = flags.text("scenario");
  const storeUrl = flags.text("store");
  const report = flags.text("report")?.replace(/\.(json|html)$/, "");
  const baselineSeconds = flags.integer("baseline", { min: 1, max: 86_400 }, 0);
  const settings: LoadRunSettings = {
    clusters: flags.integer("clusters", { min: 1, max: 5_000 }, 100),
    preset: flags.oneOf("preset", presetNames, "small"),
    seed: flags.integer("seed", { min: 0, max: 2 ** 32 - 1 }, 1),
    intervalSeconds,
    durationSeconds: flags.integer("duration", { min: 1, max: 7 * 86_400 }, 120),
    warmUpSeconds: flags.integer("warm-up", { min: 1, max: 86_400 }, 2 * intervalSeconds),
    baselineSeconds,
    faults,
    faultShares: taken(() => parseFaultShares(faults, faultNames), []),
    scenario,
    scenarioText: scenario === undefined ? undefined : taken(() => readScenarioFile(scenario), undefined),
    metricSources: flags.integer("metric-sources", { min: 0, max: 200 }, 0),
    registries: flags.integer("registries", { min: 0, max: 500 }, 0),
    simulatorProcesses: flags.integer("simulator-processes", { min: 1, max: 16 }, 1),
    against,
    simulator: flags.integer("simulator", { min: 1, max: 2 ** 31 }, undefined),
    storeUrl,
    report,
    limits: {
      maxLatenessP99Ms: flags.integer("max-lateness-p99", { min: 1, max: 3_600_000 }, undefined),
      maxP99Ratio: flags.decimal("max-p99-ratio", { min: 0.01, max: 1_000 }, undefined),
      maxFirstViewSeconds: flags.decimal("max-first-view", { min: 0.1, max: 86_400 }, undefined),
      maxRecoverySeconds: flags.decimal("max-recovery", { min: 0.1, max: 86_400 }, undefined),
      maxRssMb: flags.decimal("max-rss-mb", { min: 1, max: 1e6 }, undefined),
      maxCpuU: flags.decimal("max-cpu-u", { min: 0.0001, max: 1_000 }, undefined),
    },
  };
  const { clusters, seed, faultShares } = settings;
  // Of a fleet that runs already nobody knows yet how large it is.
  if (against === undefined)
    taken(
      () =>
        void chooseBroken(
          Array.from({ length: clusters }, (_, i) => String(i)),
          faultShares,
          seed,
        ),
      undefined,
    );
  const given = (name: string): boolean => flags.text(name) !== undefined;
  if (against !== undefined)
    for (const name of fleetFlags.filter(given))
      flags.problem(`--${name} belongs to a fleet of its own: --against takes what is there`);
  if (against === undefined && given("simulator")) flags.problem("--simulator goes with --against");
  if (against !== undefined && given("max-first-view"))
    flags.problem("--max-first-view is for a hub that is started: one that --against names has seen its clusters");
  if (given("max-p99-ratio") && !given("baseline"))
    flags.problem("--max-p99-ratio compares with the time without faults: it needs --baseline");
  if (given("max-recovery") && scenario === undefined)
    flags.problem("--max-recovery needs a --scenario in which clusters heal");
  if (report !== undefined && /(^|\/)$/.test(report)) flags.problem("--report must be a name, such as reports/today");
  else if (report !== undefined && !isWritableFolder(dirname(resolve(report))))
    flags.problem(`--report: there is no folder ${JSON.stringify(dirname(report))} that can be written to`);
  if (storeUrl !== undefined) {
    const { parseRedisUrl } = await import("../store/redis/url.ts");
    taken(() => void parseRedisUrl(storeUrl), undefined, "--store: ");
  }
  const { scenarioText } = settings;
  if (scenarioText !== undefined) {
    const { parseScenario } = await import("../simulator/scenario/steps.ts");
    taken(() => void parseScenario(scenarioText), undefined, "--scenario: ");
  }
  flags.end();
  return settings;
}

/**
 * How long a scenario takes, in seconds. Throws InvalidInputError when it names clusters that are not among these, or not there when it
 * wants them.
 */
export async function scenarioSeconds(text: string, names: readonly string[], seed: number): Promise<number> {
  const { parseScenario } = await import("../simulator/scenario/steps.ts");
  const { planScenario } = await import("../simulator/scenario/plan.ts");
  try {
    return planScenario(parseScenario(text), names, seed).durationMs / 1_000;
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(error.problems.map((problem) => `--scenario: ${problem}`));
  }
}

function readScenarioFile(path: string): string {
  const wrong = (why: string): InvalidInputError => new InvalidInputError([`--scenario: ${path} ${why}`]);
  let text: string;
  try {
    if (statSync(path).size > maxScenarioBytes) throw wrong(`is larger than ${maxScenarioBytes} bytes`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw wrong("cannot be read");
  }
  return text;
}

function isWritableFolder(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
