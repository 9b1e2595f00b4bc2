// How much more memory 100,000 objects need at their peak than 10,000, against how much more is stored of them: a child process for each, which
// collects a list of claims page by page through a pool of two threads into one document (children/collect.ts).
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Measure } from "./harness.ts";

const child = fileURLToPath(new URL("./children/collect.ts", import.meta.url));
const objects = { few: 10_000, many: 100_000 };

interface Collected {
  readonly peakBytes: number;
  readonly storedBytes: number;
}

async function collected(count: number): Promise<Collected> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, String(count)]);
  return JSON.parse(stdout) as Collected;
}

export async function* measures(): AsyncIterable<Measure> {
  let few: Collected = { peakBytes: 0, storedBytes: 0 };
  let many = few;
  yield {
    name: "memory",
    goal: 2,
    unit: "object more (nanoseconds stand for bytes)",
    unitsPerRound: objects.many - objects.few,
    warmUps: 0,
    rounds: 7,
    ownCost: true,
    async reference() {
      few = await collected(objects.few);
      many = await collected(objects.many);
      return (many.storedBytes - few.storedBytes) / 1e6;
    },
    subject() {
      const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
      console.log(`memory: resident at most ${mib(few.peakBytes)} MiB, then ${mib(many.peakBytes)} MiB`);
      return (many.peakBytes - few.peakBytes) / 1e6;
    },
  };
}
