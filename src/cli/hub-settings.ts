// The settings of `clusterpulse hub`: every flag, its environment name, its key in the configuration file, its bounds and default,
// in one table. Flags override the environment, which overrides the file. Environment names and bounds are those of the original.
import { InvalidInputError } from "../support/errors.ts";
import { type LogLevel, logLevels } from "../support/log.ts";

export interface HubSettings {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string;
  /** `memory`, or a redis:// or rediss:// URL. */
  readonly store: string;
  readonly port: number;
  readonly noApi: boolean;
  readonly probeAddress: BindAddress;
  readonly metricsAddress: BindAddress;
  readonly reconciliationIntervalSeconds: number;
  readonly operatorScanIntervalSeconds: number;
  readonly cacheTtlSeconds: number;
  readonly metricsRetentionSeconds: number;
  readonly connectTimeoutSeconds: number;
  /** Whether MetricSources may read the data of Secrets. */
  readonly allowSecretFields: boolean;
  readonly logLevel: LogLevel;
}

/** Port 0: not served. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

/** Where each value comes from, lowest first. */
export interface SettingSources {
  readonly file: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By flag name, without dashes in front. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
}

export interface ReadSettings {
  readonly settings: HubSettings;
  /** What was accepted and does not mean here what it might mean elsewhere. */
  readonly warnings: readonly string[];
}

interface Setting {
  readonly flag?: string;
  readonly env?: string;
  readonly file: string;
}

const table = {
  kubeconfig: { flag: "kubeconfig", file: "kubeconfig" },
  context: { flag: "context", file: "context" },
  namespace: { flag: "namespace", env: "NAMESPACE", file: "namespace" },
  store: { flag: "store", env: "CLUSTERPULSE_STORE", file: "store" },
  port: { flag: "port", env: "API_PORT", file: "port" },
  noApi: { flag: "no-api", file: "noApi" },
  probeAddress: { flag: "health-probe-bind-address", file: "healthProbeBindAddress" },
  metricsAddress: { flag: "metrics-bind-address", file: "metricsBindAddress" },
  reconciliationInterval: { env: "RECONCILIATION_INTERVAL", file: "reconciliationInterval" },
  operatorScanInterval: { env: "OPERATOR_SCAN_INTERVAL", file: "operatorScanInterval" },
  cacheTtl: { env: "CACHE_TTL", file: "cacheTtl" },
  metricsRetention: { env: "METRICS_RETENTION", file: "metricsRetention" },
  connectTimeout: { env: "CONNECT_TIMEOUT", file: "connectTimeout" },
  allowSecretFields: { flag: "allow-secret-fields", file: "allowSecretFields" },
  logLevel: { flag: "log-level", env: "LOG_LEVEL", file: "logLevel" },
} as const satisfies Record<string, Setting>;

/** Keys of the configuration file. */
export const fileKeys: readonly string[] = Object.values(table).map(({ file }) => file);

const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads all settings. Throws InvalidInputError that lists every value that is wrong, by the name it was given under. */
export function readHubSettings(sources: SettingSources): ReadSettings {
  const reader = new Reader(sources);
  for (const key of Object.keys(sources.file)) {
    if (!fileKeys.includes(key))
      reader.problem(`unknown key ${key} in the configuration file; known are ${fileKeys.join(", ")}`);
  }
  const seconds = (setting: Setting, minimum: number, otherwise: number): number =>
    reader.integer(setting, { minimum, maximum: 2_147_483_647 }, otherwise);
  const settings: HubSettings = {
    kubeconfig: reader.text(table.kubeconfig),
    context: reader.text(table.context),
    namespace: reader.matching(table.namespace, dnsLabel, "a namespace name such as clusterpulse", "clusterpulse"),
    store: reader.matching(
      table.store,
      /^(memory|rediss?:\/\/\S+)$/,
      "memory, or a URL such as redis://127.0.0.1:6379",
      redisFromParts(reader, sources.env),
    ),
    port: reader.integer(table.port, { minimum: 0, maximum: 65_535 }, 8080),
    noApi: reader.on(table.noApi),
    probeAddress: reader.address(table.probeAddress, { host: "0.0.0.0", port: 8081 }),
    metricsAddress: reader.address(table.metricsAddress, { host: "0.0.0.0", port: 8082 }),
    reconciliationIntervalSeconds: seconds(table.reconciliationInterval, 30, 30),
    operatorScanIntervalSeconds: seconds(table.operatorScanInterval, 60, 300),
    cacheTtlSeconds: seconds(table.cacheTtl, 60, 600),
    metricsRetentionSeconds: seconds(table.metricsRetention, 300, 3_600),
    connectTimeoutSeconds: seconds(table.connectTimeout, 5, 10),
    allowSecretFields: reader.on(table.allowSecretFields),
    logLevel: reader.logLevel(table.logLevel),
  };
  reader.end();
  return { settings, warnings: reader.warnings };
}

/** The original's four variables as one URL; `memory` when none is set. */
function redisFromParts(reader: Reader, env: SettingSources["env"]): string {
  const host = env["REDIS_HOST"] ?? "";
  if (host === "") return "memory";
  const port = reader.integer({ env: "REDIS_PORT", file: "" }, { minimum: 1, maximum: 65_535 }, 6379);
  const database = reader.integer({ env: "REDIS_DB", file: "" }, { minimum: 0, maximum: 65_535 }, 0);
  const password = env["REDIS_PASSWORD"] ?? "";
  if (!/^[A-Za-z0-9._:-]{1,253}$/.test(host)) reader.problem("REDIS_HOST must be a host name or address");
  return `redis://${password === "" ? "" : `:${encodeURIComponent(password)}@`}${host.includes(":") ? `[${host}]` : host}:${port}/${database}`;
}

/** Reads one setting at a time from its sources and collects what is wrong. */
class Reader {
  readonly warnings: string[] = [];
  readonly #sources: SettingSources;
  readonly #problems: string[] = [];

  constructor(sources: SettingSources) {
    this.#sources = sources;
  }

  problem(text: string): void {
    this.#problems.push(text);
  }

  end(): void {
    if (this.#problems.length > 0) throw new InvalidInputError(this.#problems);
  }

  text(setting: Setting): string | undefined {
    return this.#found(setting)?.value;
  }

  on(setting: Setting): boolean {
    const { flag = "", file } = setting;
    return this.#sources.flags[flag] === true || this.#sources.file[file] === true;
  }

  matching(setting: Setting, pattern: RegExp, shouldBe: string, otherwise: string): string {
    const found = this.#found(setting);
    if (found === undefined) return otherwise;
    // The value is not repeated: it may hold a password.
    if (!pattern.test(found.value)) this.problem(`${found.name} must be ${shouldBe}`);
    return found.value;
  }

  /** Below the minimum the minimum holds, as in the original, and that is said. */
  integer(setting: Setting, { minimum, maximum }: { minimum: number; maximum: number }, otherwise: number): number {
    const found = this.#found(setting);
    if (found === undefined) return otherwise;
    const value = /^-?\d{1,15}$/.test(found.value) ? Number(found.value) : Number.NaN;
    if (Number.isNaN(value) || value > maximum) {
      this.problem(`${found.name} must be a whole number from ${minimum} to ${maximum}`);
      return otherwise;
    }
    if (value < minimum) this.warnings.push(`${found.name} is ${value}; the least that is used is ${minimum}`);
    return Math.max(minimum, value);
  }

  /** `:8081`, `127.0.0.1:8081`, `[::1]:8081`; `0` switches it off, as in the original. */
  address(setting: Setting, otherwise: BindAddress): BindAddress {
    const found = this.#found(setting);
    if (found === undefined) return otherwise;
    if (found.value === "0") return { host: otherwise.host, port: 0 };
    const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]*):(\d{1,5})$/.exec(found.value);
    if (match === null || Number(match[2]) > 65_535) {
      this.problem(`${found.name} must be an address such as :8081 or 127.0.0.1:8081, or 0 for none`);
      return otherwise;
    }
    return { host: match[1]?.replace(/^\[|\]$/g, "") || otherwise.host, port: Number(match[2]) };
  }

  logLevel(setting: Setting): LogLevel {
    const found = this.#found(setting);
    if (found === undefined) return "info";
    const aliases: Readonly<Record<string, LogLevel>> = { warning: "warn", critical: "error" };
    const name = found.value.toLowerCase();
    const level = logLevels.find((known) => known === name) ?? aliases[name];
    if (level === undefined) this.warnings.push(`${found.name} is none of ${logLevels.join(", ")}; info is used`);
    return level ?? "info";
  }

  #found({ flag, env, file }: Setting): { readonly name: string; readonly value: string } | undefined {
    const fromFlag = flag === undefined ? undefined : this.#sources.flags[flag];
    if (typeof fromFlag === "string") return { name: `--${flag}`, value: fromFlag };
    const fromEnv = env === undefined ? undefined : this.#sources.env[env];
    if (env !== undefined && fromEnv !== undefined && fromEnv !== "") return { name: env, value: fromEnv };
    const fromFile = file === "" ? undefined : this.#sources.file[file];
    if (fromFile === undefined || fromFile === null) return undefined;
    return { name: `${file} in the configuration file`, value: String(fromFile) };
  }
}

/** The settings as `--print-config` shows them: passwords are replaced. */
export function maskedSettings(settings: HubSettings): HubSettings {
  return { ...settings, store: settings.store.replace(/^(rediss?:\/\/)([^@/]*)@/, "$1***@") };
}
