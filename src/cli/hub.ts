// `clusterpulse hub`: the hub on a real Kubernetes API, as it runs in production.
import { readFileSync, statSync } from "node:fs";
import { Command } from "commander";
import { parse, stringify } from "yaml";
import { ClusterPulseError, InvalidInputError } from "../support/errors.ts";
import { createLogger } from "../support/log.ts";
import { type HubSettings, maskedSettings, type ReadSettings, readHubSettings } from "./hub-settings.ts";
import { untilAskedToStop } from "./signals.ts";

/** Before a kubelet's default grace period of 30 s is over. */
const stopDeadlineMs = 20_000;
const maxConfigBytes = 1 << 20;

export function hubCommand(version: string): Command {
  return new Command("hub")
    .description("watch the clusters of a Kubernetes API's ClusterConnections; serve API, page, probes and metrics")
    .option("--kubeconfig <file>", "instead of $KUBECONFIG, ~/.kube/config or the pod's service account")
    .option("--context <name>", "instead of the kubeconfig's current context")
    .option("--namespace <name>", "the watched namespace (NAMESPACE; default clusterpulse)")
    .option("--store <url>", "memory, redis://... or rediss://... (CLUSTERPULSE_STORE, REDIS_HOST ...; default memory)")
    .option("--port <n>", "port of API and page, on loopback (API_PORT; default 8080)")
    .option("--no-api", "serve neither API nor page")
    .option("--health-probe-bind-address <address>", "probes alone; 0 for none (default :8081)")
    .option("--metrics-bind-address <address>", "metrics alone; 0 for none (default :8082)")
    .option("--allow-secret-fields", "let MetricSources read the data of Secrets; what they read is stored and shown")
    .option("--log-level <level>", "trace, debug, info, warn, error or silent (LOG_LEVEL; default info)")
    .option("--config <file>", "a YAML file with settings; flags and environment override it")
    .option("--sweep <mode>", "force: remove stored clusters that are gone even when that is more than half of all")
    .option("--leader-elect", "accepted for compatibility; this hub does not elect a leader yet")
    .option("--print-config", "print the settings as they are, passwords masked, and exit")
    .action(async (_options, command: Command) => {
      const { settings, warnings } = read(command);
      const { printConfig, sweep } = command.opts<{ printConfig?: boolean; sweep?: string }>();
      if (printConfig === true) {
        process.stdout.write(stringify(maskedSettings(settings)));
        return;
      }
      await runHub(version, settings, warnings, sweep === "force");
    });
}

/** Flags over environment over file. Flags of the original that mean nothing here are accepted, and said. */
function read(command: Command): ReadSettings {
  const options = command.opts<Record<string, string | boolean>>();
  const problems: string[] = [];
  const ignored: string[] = [];
  for (const extra of command.args) {
    if (/^--zap-[a-z-]+(=.*)?$/.test(extra)) ignored.push(extra.replace(/=.*/, ""));
    else
      problems.push(
        extra.startsWith("-")
          ? `unknown flag ${extra.replace(/=.*/, "")}`
          : `unexpected argument ${JSON.stringify(extra)}`,
      );
  }
  if (options["leaderElect"] === true) ignored.push("--leader-elect");
  if (options["sweep"] !== undefined && options["sweep"] !== "force") problems.push("--sweep must be force");
  const flags = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    ]),
  );
  if (flags["api"] === false) flags["no-api"] = true;
  let found: ReadSettings | undefined;
  try {
    found = readHubSettings({ file: readConfigFile(options["config"]), env: process.env, flags });
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    problems.push(...error.problems);
  }
  if (problems.length > 0 || found === undefined) throw new InvalidInputError(problems);
  const warnings = ignored.map((flag) => `${flag} means nothing here and is ignored`);
  return { settings: found.settings, warnings: [...warnings, ...found.warnings] };
}

function readConfigFile(path: unknown): Record<string, unknown> {
  if (typeof path !== "string") return {};
  const wrong = (why: string): InvalidInputError => new InvalidInputError([`--config: ${path} ${why}`]);
  let text: string;
  try {
    if (statSync(path).size > maxConfigBytes) throw wrong(`is larger than ${maxConfigBytes} bytes`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    throw wrong("cannot be read");
  }
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch {
    // The parser's message quotes the file, which may hold a password.
    throw wrong("is not YAML");
  }
  if (value === undefined || typeof value !== "object" || Array.isArray(value))
    throw wrong("must hold YAML or JSON of the form name: value");
  return (value ?? {}) as Record<string, unknown>;
}

async function runHub(
  version: string,
  settings: HubSettings,
  warnings: readonly string[],
  forceSweep: boolean,
): Promise<void> {
  const asked = untilAskedToStop();
  const log = createLogger({ level: settings.logLevel });
  for (const warning of warnings) log.warn(warning);
  if (settings.allowSecretFields)
    log.warn("MetricSources may read the data of Secrets; what they read is stored and shown");
  const { loadHubKubeconfig } = await import("../kube/kubeconfig.ts");
  const { path, context } = { path: settings.kubeconfig, context: settings.context };
  const [kubeconfig, { openHubProcess }] = await Promise.all([
    loadHubKubeconfig({ env: process.env, path, context, inChild: true }),
    import("./hub-process.ts"),
  ]);
  const { namespace, store, probeAddress, metricsAddress } = settings;
  const page = settings.noApi ? {} : { port: settings.port, ...(await builtPage()) };
  const hub = await openHubProcess({
    version,
    log,
    store,
    namespace,
    forceSweep,
    ...page,
    ...(probeAddress.port === 0 ? {} : { probeAddress }),
    ...(metricsAddress.port === 0 ? {} : { metricsAddress }),
  });
  hub.watch({
    kubeconfig,
    tuning: {
      defaultIntervalMs: settings.reconciliationIntervalSeconds * 1_000,
      defaultTimeoutMs: settings.connectTimeoutSeconds * 1_000,
      operatorScanIntervalMs: settings.operatorScanIntervalSeconds * 1_000,
      cacheTtlSeconds: settings.cacheTtlSeconds,
      retentionSeconds: settings.metricsRetentionSeconds,
      allowSecretFields: settings.allowSecretFields,
    },
  });
  log.info(
    {
      version,
      namespace,
      kubeconfig: kubeconfig.source,
      store: maskedSettings(settings).store,
      url: hub.url,
      probes: probeAddress,
      metrics: metricsAddress,
    },
    "the hub watches",
  );
  await asked;
  log.info("stopping");
  const watchdog = setTimeout(() => {
    log.fatal({ error: new ClusterPulseError("STOP_DEADLINE", "not everything stopped in time") }, "stopped hard");
    process.exit(1);
  }, stopDeadlineMs + 5_000);
  await hub.stop(stopDeadlineMs);
  clearTimeout(watchdog);
  process.exit(0);
}

/** The page, built when that is possible here; without it the API alone is served. */
async function builtPage(): Promise<{ staticDir: string }> {
  const { buildDashboardIfStale, dashboardDist } = await import("../dashboard/build.ts");
  await buildDashboardIfStale().catch(() => undefined);
  return { staticDir: dashboardDist };
}
