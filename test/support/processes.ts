// Starts commands of the product as a user does, in processes of their own, and looks at what they leave behind.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  /** Resolves with the output once it matches; rejects when the process ends first or after `timeoutMs`. */
  until(pattern: RegExp, timeoutMs?: number): Promise<string>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

interface CommandSettings {
  readonly env?: NodeJS.ProcessEnv;
  /** Another program of the repository than the product's own, as a path below its root. */
  readonly program?: string;
}

type Arguments = readonly string[] | readonly [settings: CommandSettings, ...args: string[]];

/** `npm run -s clusterpulse -- <args>`, without npm in between so that signals reach the process itself. */
export function startCommand(...given: Arguments): Started {
  const [first, ...rest] = given;
  const { env = process.env, program = "src/cli/main.ts" } = typeof first === "object" ? first : {};
  const args = typeof first === "object" ? rest : given;
  const child = spawn(process.execPath, ["--import", "./tools/guard.mjs", program, ...(args as string[])], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    child,
    output: () => output,
    errors: () => errors,
    ended,
    async until(pattern, timeoutMs = 60_000) {
      const deadlineMs = performance.now() + timeoutMs;
      for (;;) {
        if (pattern.test(output)) return output;
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${errors.slice(-500)}`);
        if (performance.now() > deadlineMs)
          throw new Error(`no ${pattern} within ${timeoutMs} ms in: ${output.slice(-500)}`);
        await pause(50);
      }
    },
  };
}

/** Runs a command to its end. */
export async function runCommand(...args: Arguments): Promise<{ code: number | null; output: string; errors: string }> {
  const started = startCommand(...args);
  const code = await started.ended;
  return { code, output: started.output(), errors: started.errors() };
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `probe` returns something other than undefined or false; `what` says what did not come, asked at the end. */
export async function eventually<T>(
  probe: () => Promise<T | undefined | false>,
  timeoutMs: number,
  what: string | (() => string),
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs)
      throw new Error(`not within ${timeoutMs} ms: ${typeof what === "string" ? what : what()}`);
    await pause(100);
  }
}

/** True while a process of that id lives. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The files that the product has in the temporary folder: kubeconfigs of demos, run files of simulators. */
export const leftovers = (): string[] =>
  readdirSync(tmpdir())
    .filter((name) => /^clusterpulse-(demo-|\d+$|user$)/.test(name))
    .flatMap((folder) => readdirSync(join(tmpdir(), folder)).map((name) => `${folder}/${name}`))
    .sort();
