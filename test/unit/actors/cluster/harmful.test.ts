// Clusters whose answers harm the threads that read them, in virtual time: from then on the pool is told, until they are harmless.
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import type { Compute } from "../../../../src/cluster/ports.ts";
import { type OwnTroubleCode, ownTrouble } from "../../../../src/support/own-trouble.ts";
import { createInlineCompute } from "../../../../workers/inline.ts";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

let fleet: ReturnType<typeof startVirtualFleet>;
afterEach(() => fleet.stop());

const inline = createInlineCompute();
const names = ["bad", "good-1", "good-2"];

/** A pool that tells of each list of nodes or deployments whose it was, and whether it was read as a suspect's. */
function start() {
  const read: string[] = [];
  const harm = { path: "", code: "COMPUTE_CRASHED" as OwnTroubleCode };
  const compute: Compute = {
    async run(task, input, signal) {
      const text = gunzipSync(input.body.bytes).toString();
      const [, cluster = "", path = ""] = /"name":"(bad|good-\d) of (\w+)"/.exec(text) ?? [];
      if (cluster !== "") read.push(`${cluster} ${path} ${input.isSuspect === true ? "as a suspect" : "trusted"}`);
      if (cluster === "bad" && path === harm.path) throw ownTrouble(harm.code, "harmed");
      return await inline.run(task, input, signal);
    },
  };
  fleet = startVirtualFleet(names, {
    compute,
    items(cluster, path) {
      const kind = /^\/api(?:s\/apps)?\/v1\/(nodes|deployments)/.exec(path)?.[1];
      return kind === undefined ? undefined : [{ metadata: { name: `${cluster} of ${kind}`, namespace: "default" } }];
    },
  });
  return {
    harm,
    /** What was read in the next minutes, each kind of reading once. */
    async during(ms: number): Promise<readonly string[]> {
      read.length = 0;
      await fleet.clock.advance(ms);
      return [...new Set(read)].sort();
    },
  };
}

const trusted = (...clusters: string[]): string[] =>
  clusters.flatMap((name) => [`${name} deployments trusted`, `${name} nodes trusted`]);
const good = trusted("good-1", "good-2");

describe("a cluster whose answers harm the thread that reads them", () => {
  test.each(["COMPUTE_CRASHED", "COMPUTE_OUT_OF_MEMORY", "COMPUTE_DEADLINE"] as const)(
    "E-20 is read as a suspect's from then on, until it is harmless; nobody else is: %s",
    async (code) => {
      const { harm, during } = start();
      expect(await during(90_000)).toEqual([...trusted("bad"), ...good]);
      Object.assign(harm, { path: "nodes", code });
      // The first time nobody can know.
      expect(await during(31_000)).toEqual(["bad nodes trusted", ...good]);
      expect(await during(90_000)).toEqual(["bad nodes as a suspect", ...good]);
      harm.path = "";
      expect(await during(31_000)).toEqual(["bad deployments as a suspect", "bad nodes as a suspect", ...good]);
      expect(await during(90_000)).toEqual([...trusted("bad"), ...good]);
    },
  );

  test("E-20 is so also when it is a part that it could do without", async () => {
    const { harm, during } = start();
    await during(90_000);
    harm.path = "deployments";
    await during(31_000);
    expect(fleet.row("bad").status).toMatchObject({ health: "healthy" });
    expect(await during(90_000)).toEqual(["bad deployments as a suspect", "bad nodes as a suspect", ...good]);
  });

  test.each(["COMPUTE_QUEUE_FULL", "COMPUTE_NO_THREAD"] as const)("is not called so for %s", async (code) => {
    const { harm, during } = start();
    await during(90_000);
    Object.assign(harm, { path: "nodes", code });
    await during(31_000);
    expect(fleet.row("bad").status).toMatchObject({ health: "unknown", reason: "HubBusy" });
    expect(await during(90_000)).toEqual(["bad nodes trusted", ...good]);
  });
});
