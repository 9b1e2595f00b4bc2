// Probes while the event loop is blocked for real. That liveness does not flap is scenario E-25 of test/chaos.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { HealthReport } from "../../src/server/ports.ts";
import { startProbeThread } from "../../src/server/probe-thread.ts";
import type { SideServer } from "../../src/server/side-server.ts";
import { systemClock } from "../../src/support/clock.ts";
import { blockThread, startKubelet } from "../support/kubelet.ts";
import { eventually, pause } from "../support/processes.ts";

const host = "127.0.0.1";
let report: HealthReport = { live: [{ name: "event-loop", status: "ok" }], ready: [{ name: "store", status: "ok" }] };
const well = report;
let server: SideServer | undefined;
afterEach(async () => {
  await server?.close(0);
  server = undefined;
  report = well;
});

const start = async (stalledAfterMs?: number): Promise<SideServer> => {
  const limits = stalledAfterMs === undefined ? {} : { stalledAfterMs };
  server = await startProbeThread({ host, port: 0 }, "--probes", systemClock, () => report, limits);
  return server;
};
const ask = async (path: string): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`http://${host}:${server?.port}${path}`);
  return { status: response.status, body: await response.json() };
};

describe("probes from a thread of their own", () => {
  it("say what the process says of itself, soon after it does", async () => {
    await start();
    await eventually(async () => (await ask("/readyz")).status === 200, 20_000, "ready");
    expect(await ask("/healthz")).toEqual({ status: 200, body: { status: "ok" } });
    expect(await ask("/readyz?verbose")).toMatchObject({ body: { checks: { store: { status: "ok" } } } });
    expect((await ask("/metrics")).status).toBe(404);
    report = { ...well, ready: [{ name: "accepting", status: "failed", message: "the hub is stopping" }] };
    await eventually(async () => (await ask("/readyz")).status === 503, 20_000, "not ready");
    expect((await ask("/healthz")).status).toBe(200);
  });

  it("ask for a restart once the event loop has not turned for too long, and no more when it turns again", async () => {
    const { port } = await start(2_500);
    const kubelet = startKubelet(`http://${host}:${port}/healthz`);
    await pause(1_000);
    blockThread(6_000);
    const failed = (await kubelet.stop()).filter(({ status }) => status === 503);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]?.text).toContain("event-loop: has not turned for");
    await eventually(async () => (await ask("/healthz")).status === 200, 20_000, "alive");
  });

  it("say which flag chooses another port when theirs is taken", async () => {
    const other = createServer().listen(0, host);
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const refused = startProbeThread({ host, port }, "--probes", systemClock, () => report);
    await expect(refused).rejects.toMatchObject({ code: "PORT_IN_USE", message: expect.stringContaining("--probes") });
    other.close();
  });
});
