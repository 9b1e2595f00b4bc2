// E-25: the event loop of the process is blocked for real.
import assert from "node:assert/strict";
import { createInstruments } from "../../src/server/instruments.ts";
import { startProbeThread } from "../../src/server/probe-thread.ts";
import { systemClock } from "../../src/support/clock.ts";
import { blockThread, startKubelet } from "../support/kubelet.ts";
import type { Scenario } from "./scenario.ts";

const host = "127.0.0.1";
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const blockedLoop: Scenario = {
  id: "E-25",
  promise: "the event loop is blocked for five seconds: liveness does not flap, and the lag is measured",
  time: "real",
  async run({ form }) {
    const health = () => ({ live: [{ name: "event-loop", status: "ok" } as const], ready: [] });
    const server = await startProbeThread({ host, port: 0 }, "--probes", systemClock, health);
    const instruments = createInstruments([]);
    try {
      await instruments.text();
      const kubelet = startKubelet(`http://${host}:${server.port}/healthz`);
      const blocks = form === "long" ? 12 : 1;
      let lagSeconds = Number.POSITIVE_INFINITY;
      for (let i = 0; i < blocks; i++) {
        await pause(1_000);
        blockThread(5_000);
        await pause(500);
        const text = await instruments.text();
        const lag = Number(/clusterpulse_eventloop_lag_seconds\{quantile="1"\} (\S+)/.exec(text)?.[1]);
        assert.ok(lag > 4, `a lag of ${lag} s was measured`);
        lagSeconds = Math.min(lagSeconds, lag);
      }
      const results = await kubelet.stop();
      assert.ok(results.length > 10 * blocks, `the kubelet could ask only ${results.length} times`);
      const failed = results.filter(({ status }) => status !== 200);
      assert.equal(failed.length, 0, `${failed.length} probes failed: ${failed[0]?.text}`);
      return { blocks, probes: results.length, lagSeconds };
    } finally {
      instruments.close();
      await server.close(0);
    }
  },
};

export const blockedLoopScenarios: readonly Scenario[] = [blockedLoop];
