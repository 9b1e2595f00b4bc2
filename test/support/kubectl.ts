// The real kubectl binaries of this machine, each with a cache folder of its own: discovery caches outlive simulators.
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** File by version (`1.27`); several of one version count once. */
function findAll(): ReadonlyMap<string, string> {
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "" && existsSync(folder));
  // An SDK keeps the numbered ones beside the one that its link on the path leads to.
  const links = path.map((folder) => join(folder, "kubectl")).filter((file) => existsSync(file));
  const folders = new Set([...path, ...links.map((file) => dirname(realpathSync(file)))]);
  const numbered = [...folders].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /^kubectl\.1\.\d+$/.test(file))
      .map((file) => join(folder, file)),
  );
  const found = new Map<string, string>();
  for (const file of [...links, ...numbered]) {
    const version = versionOf(file);
    if (version !== undefined) found.set(version, file);
  }
  return found;
}

function versionOf(file: string): string | undefined {
  try {
    const text = execFileSync(file, ["version", "--client", "-o", "json"], { encoding: "utf8", timeout: 30_000 });
    return /"gitVersion":\s*"v(\d+\.\d+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Versions and files to test with: the oldest and the newest, or all with CLUSTERPULSE_KUBECTL=all. Without any: throws where
 * services are required, else says so loudly and answers none, for the caller to skip.
 */
export function kubectls(): readonly (readonly [version: string, file: string])[] {
  const minor = ([version]: readonly [string, string]): number => Number(version.split(".")[1]);
  const all = [...findAll()].sort((a, b) => minor(a) - minor(b));
  if (all.length === 0) {
    const message = "No kubectl: the simulator is not tested with real clients.";
    if (process.env["CLUSTERPULSE_REQUIRE_SERVICES"] === "1") throw new Error(message);
    console.warn(`SKIPPED: ${message}`);
  }
  return process.env["CLUSTERPULSE_KUBECTL"] === "all" ? all : all.filter((_, i) => i === 0 || i === all.length - 1);
}

export interface KubectlResult {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Words of a command; a text is split at its blanks. */
export type KubectlCommand = string | readonly string[];

/** One kubectl, with a kubeconfig and a cache folder of its own. */
export class Kubectl {
  /** Its version, fit for a name. */
  readonly id: string;
  readonly #file: string;
  readonly #flags: readonly string[];

  constructor(version: string, file: string, kubeconfig: string, cacheFolder: string) {
    this.id = version.replace(".", "-");
    this.#file = file;
    this.#flags = ["--kubeconfig", kubeconfig, "--cache-dir", join(cacheFolder, `cache-${this.id}`)];
  }

  /** Runs it to its end; `input` goes to its standard input. */
  run(command: KubectlCommand, input = "", env: Readonly<Record<string, string>> = {}): Promise<KubectlResult> {
    return new Promise((resolve) => {
      const options = { timeout: 100_000, maxBuffer: 1 << 24, env: { ...process.env, ...env } };
      const child = execFile(this.#file, this.#arguments(command), options, (error, output, errors) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output, errors });
      });
      child.stdin?.end(input);
    });
  }

  /** The output of a command that must succeed, and may warn. */
  async output(command: KubectlCommand, input?: string, env?: Readonly<Record<string, string>>): Promise<string> {
    const { code, output, errors } = await this.run(command, input, env);
    if (code === 0) return output;
    throw new Error(`kubectl ${String(command)}: exit code ${code}: ${errors.slice(0, 1_000)}`);
  }

  /** What a command says that must fail. */
  async refused(command: KubectlCommand, input?: string): Promise<string> {
    const { code, output, errors } = await this.run(command, input);
    if (code !== 0) return errors;
    throw new Error(`kubectl ${String(command)}: succeeded: ${output.slice(0, 1_000)}`);
  }

  /** Starts a command that goes on until it is stopped. */
  start(command: KubectlCommand): { readonly output: () => string; stop(): Promise<void> } {
    const child = spawn(this.#file, this.#arguments(command), { stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    return {
      output: () => output,
      stop: () => {
        child.kill("SIGTERM");
        return ended;
      },
    };
  }

  #arguments(command: KubectlCommand): string[] {
    return [...this.#flags, ...(typeof command === "string" ? command.split(" ") : command)];
  }
}
