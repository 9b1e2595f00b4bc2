// E-03, in virtual time: all watches of a few hubs on an API server that is gone without a word, connections and all.
import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { kubernetesPorts } from "../../actors/hub/kubernetes.ts";
import type { WatchedSource } from "../../actors/informer/informer.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { KubeTransport, StreamOptions } from "../../src/kube/transport.ts";
import type { Clock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import type { Scenario } from "./scenario.ts";

const minute = 60_000;
/** Of a server whose packets lead nowhere. */
const connectTimeoutMs = 3_000;

/** An API server without objects that ends each watch in time and sends nothing else, until it is gone. */
class SilentServer {
  readonly #clock: Clock;
  #isGone = false;
  /** When a watch was opened, or tried to be. */
  readonly openedMs: number[] = [];
  /** When a watch that was open was given up. */
  readonly givenUpMs: number[] = [];
  open = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set gone(isGone: boolean) {
    this.#isGone = isGone;
  }

  get transport(): KubeTransport {
    const server: Pick<KubeTransport, "requestJson" | "stream" | "server"> = {
      server: "https://hub.example",
      requestJson: async () => {
        await this.#connect();
        return { status: 200, body: { metadata: { resourceVersion: "1" }, items: [] } };
      },
      stream: (path, options) => this.#watch(path, options),
    };
    return server as KubeTransport;
  }

  async *#watch(path: string, { idleTimeoutMs, signal }: StreamOptions): AsyncGenerator<Uint8Array, void, void> {
    const query = new URL(path, "https://hub.example").searchParams;
    this.openedMs.push(this.#clock.monotonicMs());
    await this.#connect();
    this.open++;
    try {
      const metadata = { resourceVersion: "1", annotations: { "k8s.io/initial-events-end": "true" } };
      yield Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object: { metadata } })}\n`);
      const openMs = 1_000 * Number(query.get("timeoutSeconds"));
      await this.#sleep(openMs, signal);
      if (!this.#isGone || signal.aborted) return;
      await this.#sleep(idleTimeoutMs - openMs, signal);
      this.givenUpMs.push(this.#clock.monotonicMs());
      throw new KubeError("BODY_TIMEOUT", "nothing received");
    } finally {
      this.open--;
    }
  }

  async #connect(): Promise<void> {
    if (!this.#isGone) return;
    await this.#sleep(connectTimeoutMs);
    throw new KubeError("CONNECT_TIMEOUT", "no connection within 3 s");
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.setTimer(resolve, ms);
      signal?.addEventListener("abort", () => [cancel(), resolve()], { once: true });
    });
  }
}

const silentWatches: Scenario = {
  id: "E-03",
  promise:
    "all watches of some hubs are silent at once, for five minutes: each is given up within a minute, they come back spread over half a minute",
  time: "virtual",
  async run({ form, seed }) {
    const hubs = form === "long" ? 250 : 25;
    const clock = new VirtualClock();
    const server = new SilentServer(clock);
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const sources: WatchedSource[] = [];
    for (let i = 0; i < hubs; i++) {
      const { transport: hub } = server;
      const random = seededRandom(seed + i);
      const options = { hub, namespace: "hubs", userAgent: "chaos", clock, random, log: silentLogger };
      sources.push(
        ...kubernetesPorts(options)
          .createSources(() => undefined)
          .values(),
      );
    }
    const running = sources.map((source) => source.run(stop.signal));
    try {
      // Before the first of them lists anew.
      await clock.advance(7 * minute);
      assert.ok(
        sources.every(({ synced }) => synced),
        "every kind is synced",
      );
      assert.equal(server.open, sources.length);

      const goneAtMs = clock.monotonicMs();
      const openedBefore = server.openedMs.length;
      server.gone = true;
      await clock.advance(5 * minute);
      assert.equal(server.open, 0, "a watch is still held to be open");
      assert.equal(server.givenUpMs.length, sources.length);
      const mostMs = Math.max(...server.givenUpMs) - goneAtMs;
      assert.ok(mostMs <= minute, `a watch was given up after ${mostMs} ms`);
      const spreadMs = Math.max(...server.givenUpMs) - Math.min(...server.givenUpMs);
      assert.ok(spreadMs >= 30_000, `what had been silent is tried again within ${spreadMs} ms`);
      const triesOfEach = (server.openedMs.length - openedBefore) / sources.length;

      server.gone = false;
      const backAtMs = clock.monotonicMs();
      await clock.advance(minute);
      assert.equal(server.open, sources.length, "every watch is open again");
      const back = server.openedMs.filter((atMs) => atMs >= backAtMs).map((atMs) => Math.floor(atMs / 1_000));
      const bySecond = [...Map.groupBy(back, (second) => second).values()];
      const mostASecond = Math.max(...bySecond.map(({ length }) => length));
      return { watches: sources.length, mostMs, spreadMs, triesOfEach, mostASecond };
    } finally {
      stop.abort();
      await clock.advance(minute);
      await Promise.all(running);
    }
  },
};

export const watchScenarios: readonly Scenario[] = [silentWatches];
