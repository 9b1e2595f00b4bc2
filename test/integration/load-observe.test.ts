// What a load run sees of a hub that it did not start: its event stream, over a real server.
import { afterEach, describe, expect, it } from "vitest";
import { observeStream, scrapeCost } from "../../src/load/observe.ts";
import { clusterStatus } from "../../src/store/documents.ts";
import { eventually } from "../support/processes.ts";
import { type RunningServer, startServer } from "../support/server-harness.ts";

let server: RunningServer | undefined;
let observer: { close(): void } | undefined;
afterEach(async () => {
  observer?.close();
  observer = undefined;
  await server?.close();
  server = undefined;
});

const checked = (cluster: string, atSeconds: number, message = "ok") =>
  clusterStatus(cluster, {
    ...{ health: "healthy", message, reason: "Reachable" },
    lastCheckMs: Date.UTC(2026, 0, 2) + atSeconds * 1_000,
  });

describe("a hub that runs already", () => {
  it("shows an outcome whenever a cluster's last check moves, and only then", async () => {
    server = await startServer();
    await server.write(...checked("a", 0), ...checked("b", 0));
    const seen: string[] = [];
    observer = await observeStream(server.url, (cluster) => void seen.push(cluster));
    await server.write(...checked("a", 30));
    await eventually(async () => seen.length === 1, 20_000, "the outcome of a");
    await server.write(...checked("a", 30, "the same check, told in other words"));
    await server.write(...checked("b", 31));
    await eventually(async () => seen.length === 2, 20_000, "the outcome of b");
    expect(seen).toEqual(["a", "b"]);
  });

  it("that is not there is told by its address", async () => {
    await expect(observeStream("http://127.0.0.1:9", () => undefined)).rejects.toMatchObject({
      code: "HUB_UNREACHABLE",
      message: expect.stringContaining("http://127.0.0.1:9"),
    });
    expect(await scrapeCost("http://127.0.0.1:9/metrics")).toBeUndefined();
  });
});
