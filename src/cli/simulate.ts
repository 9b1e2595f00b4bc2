// `clusterpulse simulate`: a hub API and a fleet of simulated clusters, alone.
import { closeSync, fchmodSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { Command } from "commander";
import { parseChurnText } from "../simulator/churn/settings.ts";
import { originModes } from "../simulator/options.ts";
import { presetNames } from "../simulator/world/profile.ts";
import { rfc3339 } from "../support/clock.ts";
import { InvalidInputError } from "../support/errors.ts";
import { Flags } from "./options.ts";
import { untilAskedToStop } from "./signals.ts";

const maxProcesses = 16;
const maxTraceBytes = 32 * 1024 * 1024;

export function simulateCommand(): Command {
  return new Command("simulate")
    .description("run simulated Kubernetes clusters and a hub API; prints one JSON line when they serve")
    .option("--clusters <n>", "how many clusters", "25")
    .option("--registries <n>", "how many container registries", "0")
    .option("--seed <n>", "the same seed makes the same fleet", "1")
    .option("--preset <size>", presetNames.join(", "), "small")
    .option("--port <n>", "port of the hub API; 0 chooses a free one", "0")
    .option("--kubeconfig-out <file>", "write a kubeconfig (mode 0600): context hub, and one context for each cluster")
    .option("--kubeconfig-of <whom>", "the contexts in it: all, or that of the hub alone", "all")
    .option(
      "--register <namespace>",
      "create a Secret and a connection for each cluster and registry in this namespace",
    )
    .option("--origin <mode>", `where clusters are reached: ${originModes.join(", ")}`, "port")
    .option("--processes <n>", "how many processes serve the clusters, when one core is not enough", "1")
    .option(
      "--churn <settings>",
      "let clusters change by themselves, such as eventsPerSecond=50,kinds=rollout:2+node-flap",
    )
    .option("--churn-trace <file>", "let happen in clusters what this trace tells, one JSON object per line")
    .option("--churn-speed <n>", "so many times as fast as the trace has it", "1")
    .option("--data-dir <folder>", "keep what the hub API holds in this folder, over restarts")
    .option("--interval <seconds>", "spec.monitoring.interval of registered clusters")
    .action(async (_options, command: Command) => {
      const flags = new Flags(command);
      const clusters = flags.integer("clusters", { min: 1, max: 5_000 }, 25);
      const registries = flags.integer("registries", { min: 0, max: 500 }, 0);
      const seed = flags.integer("seed", { min: 0, max: 2 ** 32 - 1 }, 1);
      const preset = flags.oneOf("preset", presetNames, "small");
      const hubPort = flags.integer("port", { min: 0, max: 65_535 }, 0);
      const origin = flags.oneOf("origin", originModes, "port");
      const processes = flags.integer("processes", { min: 1, max: maxProcesses }, 1);
      const intervalSeconds = flags.integer("interval", { min: 1, max: 86_400 }, undefined);
      const kubeconfigFile = flags.text("kubeconfig-out");
      const alone = flags.oneOf("kubeconfig-of", ["all", "hub"], "all") === "hub";
      const dataFolder = flags.text("data-dir");
      const churn = flags.parsed("churn", parseChurnText);
      const traceFile = flags.text("churn-trace");
      const churnSpeed = flags.integer("churn-speed", { min: 1, max: 1_000 }, 1);
      const namespace = flags.text("register");
      if (namespace !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)) {
        flags.problem(`--register must be a namespace name such as clusterpulse, not ${JSON.stringify(namespace)}`);
      }
      flags.end();

      const trace = traceFile === undefined ? undefined : await readTrace(traceFile);
      const asked = untilAskedToStop();
      const { startSimulator } = await import("../simulator/index.ts");
      const { startFleet } = await import("../simulator/fleet/start.ts");
      const { writeRunFile } = await import("../simulator/process.ts");
      const options = {
        ...{ clusters, registries, seed, preset, origin, hubPort },
        ...(dataFolder === undefined ? {} : { dataFolder }),
      };
      const simulator = processes === 1 ? await startSimulator(options) : await startFleet(options, processes);
      if (namespace !== undefined)
        simulator.register({ namespace, ...(intervalSeconds === undefined ? {} : { intervalSeconds }) });
      if (churn !== undefined) await simulator.churn.set(churn);
      if (trace !== undefined) await simulator.churn.replay(trace, churnSpeed);
      if (kubeconfigFile !== undefined) writeSecretFile(kubeconfigFile, simulator.kubeconfig("hub", { alone }));
      const removeRunFile = await writeRunFile({ admin: simulator.admin, startedAt: rfc3339(Date.now()) });
      const ready = {
        ready: true,
        pid: process.pid,
        hub: simulator.hub.url,
        clusters: simulator.clusters.length,
        registries: simulator.registries.length,
        seed,
        preset,
        origin,
        ...("pids" in simulator ? { parts: simulator.pids } : {}),
        admin: simulator.admin.url,
        ...(kubeconfigFile === undefined ? {} : { kubeconfig: kubeconfigFile }),
        ...(dataFolder === undefined ? {} : { dataDir: dataFolder }),
        ...(namespace === undefined ? {} : { registered: namespace }),
      };
      process.stdout.write(`${JSON.stringify(ready)}\n`);
      const reason = await Promise.race([asked, ...("failed" in simulator ? [simulator.failed] : [])]);
      await removeRunFile();
      await simulator.close();
      if (typeof reason !== "string") process.stderr.write(`clusterpulse: ${reason.message}\n`);
      process.exit(typeof reason === "string" ? 0 : 1);
    });
}

/** The text of a trace that is fine. Throws InvalidInputError. */
async function readTrace(path: string): Promise<string> {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file?.isFile() !== true || file.size > maxTraceBytes) {
    throw new InvalidInputError([`--churn-trace: ${path} must be a file of at most ${maxTraceBytes} bytes`]);
  }
  const text = readFileSync(path, "utf8");
  const { parseTrace } = await import("../simulator/churn/trace.ts");
  parseTrace(text);
  return text;
}

/** Writes a file that only its owner may read, also where one with other rights was there before. */
function writeSecretFile(path: string, text: string): void {
  const file = openSync(path, "w", 0o600);
  try {
    fchmodSync(file, 0o600);
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}
