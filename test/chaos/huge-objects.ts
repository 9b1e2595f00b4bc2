// E-36, on real threads: lists with huge objects, and with far too many of them, again and again: what the process holds is bounded.
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseMetricSource } from "../../src/api/v1alpha1/metric-source.ts";
import { type CompiledSource, compileMetricSource } from "../../src/metric-source/compiled.ts";
import { createPoolCompute } from "../../workers/pool.ts";
import { sourceSpec } from "../support/source-reader.ts";
import type { Figures, Scenario } from "./scenario.ts";

const never = new AbortController().signal;
const maxRows = 1_000;
const megabyte = 1_000_000;
/** Two threads that read answers of up to 20 MB of text, and what the main thread has of them. */
const budgetBytes = 512 * megabyte;
/** What may stay on the main thread once all is read. */
const keptBytes = 8 * megabyte;

const metadata = (name: string) => ({ name, namespace: "default" });
/** By what is huge, and how many of the objects are there. */
const pages: Readonly<Record<string, () => object[]>> = {
  "an object of 1.5 MB": () => [{ metadata: { ...metadata("a"), annotations: { note: "x".repeat(1_500_000) } } }],
  "5,000 labels": () => [
    {
      metadata: {
        ...metadata("a"),
        labels: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`l-${i}`, "x"])),
      },
    },
  ],
  "a list of a million": () => [{ metadata: metadata("a"), list: Array.from({ length: 1_000_000 }, (_, i) => i) }],
  "100,000 objects": () => Array.from({ length: 100_000 }, (_, i) => ({ metadata: metadata(`p-${i}`), list: [i] })),
};

/** Of the main thread, after a collection: its heap, and the buffers that it refers to. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function countLists(): CompiledSource {
  const fields = [{ name: "length", path: ".list", type: "arrayLength" }];
  const metadata = { name: "huge", namespace: "chaos" };
  const parsed = parseMetricSource({
    metadata: { ...metadata, uid: "u", generation: 1 },
    spec: sourceSpec({ fields }),
  });
  assert.ok(parsed.ok);
  const compiled = compileMetricSource({ metadata, spec: parsed.value.spec });
  assert.ok(compiled.ok);
  return compiled.source;
}

const hugeObjects: Scenario = {
  id: "E-36",
  promise:
    "objects of megabytes, lists of a million and far too many objects: each is read or cut, and the memory is given back",
  time: "real",
  async run({ form }): Promise<Figures> {
    const rounds = form === "long" ? 50 : 2;
    const { definition, hash } = countLists();
    const bodies = new Map(
      Object.entries(pages).map(([what, items]) => {
        const page = { kind: "PodList", apiVersion: "v1", metadata: {}, items: items() };
        return [what, { objects: page.items.length, bytes: Buffer.from(JSON.stringify(page)) }];
      }),
    );
    const pool = createPoolCompute({ threads: 2, minDeadlineMs: 60_000 });
    try {
      const round = async (): Promise<void> => {
        await Promise.all(
          [...bodies].map(async ([what, { objects, bytes }]) => {
            const body = { bytes: new Uint8Array(bytes), encoding: "identity", format: "json" } as const;
            const input = { body, sources: [{ definition, hash, maxRows }], nowMs: 0, isSuspect: false };
            const page = await pool.run("extract", input, never);
            const [share] = page.shares;
            // What would not be kept is not read either.
            assert.equal(page.objects, Math.min(objects, maxRows + 1), what);
            assert.equal(share?.cut, objects > maxRows, `whether ${what} are cut is said`);
          }),
        );
      };
      await round();
      const [residentBefore, heldBefore] = [process.memoryUsage.rss(), heldBytes()];
      let mostResident = residentBefore;
      for (let i = 0; i < rounds; i++) {
        await round();
        mostResident = Math.max(mostResident, process.memoryUsage.rss());
      }
      const kept = heldBytes() - heldBefore;
      assert.ok(kept <= keptBytes, `${kept} bytes more are held after ${rounds} rounds`);
      const grown = mostResident - residentBefore;
      assert.ok(grown <= budgetBytes, `the process grew by ${grown} bytes`);
      return { rounds, residentBefore, grown, kept };
    } finally {
      await pool.close();
    }
  },
};

export const hugeScenarios: readonly Scenario[] = [hugeObjects];
