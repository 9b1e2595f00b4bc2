// E-25: the event loop is blocked for real, and the probes still answer.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { createInstruments } from "../../src/server/instruments.ts";
import type { HealthReport } from "../../src/server/ports.ts";
import { startProbeThread } from "../../src/server/probe-thread.ts";
import type { SideServer } from "../../src/server/side-server.ts";
import { systemClock } from "../../src/support/clock.ts";
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

/** A kubelet, on a thread of its own: it asks every 100 ms, each time for at most a second, and remembers what it was answered. */
function startKubelet(url: string): { stop(): Promise<{ status: number; text: string }[]> } {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const answers = [];
    const ask = async () => {
      const answer = await fetch(workerData, { signal: AbortSignal.timeout(10_000) })
        .then(async (response) => ({ status: response.status, text: await response.text() }), () => ({ status: 0, text: "" }));
      answers.push(answer);
      setTimeout(ask, 100);
    };
    ask();
    parentPort.on("message", () => { parentPort.postMessage(answers); process.exit(0); });
  `;
  const worker = new Worker(code, { eval: true, workerData: url, execArgv: [] });
  return {
    async stop() {
      const answers = once(worker, "message");
      worker.postMessage("stop");
      return (await answers)[0] as { status: number; text: string }[];
    },
  };
}

/** Keeps this thread, and its event loop, from doing anything else. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

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

  it("E-25 liveness does not flap while the event loop is blocked for five seconds, and the lag is measured", async () => {
    const { port } = await start();
    const instruments = createInstruments([]);
    await instruments.text();
    const kubelet = startKubelet(`http://${host}:${port}/healthz`);
    await pause(1_000);
    block(5_000);
    await pause(500);
    const answers = await kubelet.stop();
    expect(answers.length).toBeGreaterThan(10);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const lag = /clusterpulse_eventloop_lag_seconds\{quantile="1"\} (\S+)/.exec(await instruments.text())?.[1];
    expect(Number(lag)).toBeGreaterThan(4);
    instruments.close();
  });

  it("ask for a restart once the event loop has not turned for too long, and no more when it turns again", async () => {
    const { port } = await start(2_500);
    const kubelet = startKubelet(`http://${host}:${port}/healthz`);
    await pause(1_000);
    block(6_000);
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
