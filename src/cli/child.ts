// Commands of the product as child processes of another command: they end with it, also when it is killed.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ClusterPulseError } from "../support/errors.ts";

export interface ChildCommand {
  readonly name: string;
  readonly pid: number;
  /** Resolves with the first line of its output. Rejects with CHILD_ENDED or CHILD_LATE, which name the command. */
  firstLine(deadlineMs: number): Promise<string>;
  /** Resolves when it is gone, with its exit code; null: it was killed or never started. */
  readonly ended: Promise<number | null>;
  /** Asks it to stop, and kills it after the deadline. */
  stop(deadlineMs: number): Promise<void>;
}

const guard = fileURLToPath(new URL("../../tools/guard.mjs", import.meta.url));
const main = fileURLToPath(new URL("./main.ts", import.meta.url));

/** Starts `clusterpulse <args>` in a process group of its own: Ctrl-C reaches this process only, which stops its children last. */
export function startChildCommand(args: readonly string[]): ChildCommand {
  const child = spawn(process.execPath, ["--import", guard, main, ...args], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    detached: true,
  });
  return watched(args[0] ?? "command", child);
}

/** Becomes the program, and leaves a watcher behind that ends it when the input is closed: nothing else tells of a parent that was killed. */
const endWithInput =
  'command -v "$1" >/dev/null || exit 127; exec 3<&0; (read -r _ <&3; kill $$ 2>&-) & exec "$@" 3<&- </dev/null';

/** Starts a foreign program, which knows nothing of parents; its output is not read beyond the first line. */
export function startProgram(program: string, args: readonly string[]): ChildCommand {
  const child = spawn("sh", ["-c", endWithInput, "sh", program, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  return watched(program, child);
}

function watched(name: string, child: ChildProcess): ChildCommand {
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
  child.stdout?.resume();
  return {
    name,
    pid: child.pid ?? 0,
    ended,
    firstLine: (deadlineMs) => Promise.race([firstLine(name, child, deadlineMs), endedEarly(name, ended)]),
    async stop(deadlineMs) {
      const killer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
      child.kill("SIGTERM");
      await ended;
      clearTimeout(killer);
    },
  };
}

async function endedEarly(name: string, ended: Promise<unknown>): Promise<never> {
  await ended;
  throw new ClusterPulseError("CHILD_ENDED", `${name} ended before it was ready`);
}

function firstLine(name: string, { stdout }: ChildProcess, deadlineMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = `${name} was not ready within ${deadlineMs / 1_000} s`;
    const timer = setTimeout(() => reject(new ClusterPulseError("CHILD_LATE", late)), deadlineMs);
    timer.unref();
    if (stdout === null) return;
    createInterface({ input: stdout }).once("line", (line) => {
      clearTimeout(timer);
      resolve(line);
    });
  });
}
