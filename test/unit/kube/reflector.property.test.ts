// A reflector against a server that loses, doubles, delays and garbles events, forgets versions and breaks off. Once the
// server behaves again, the cache and what its reader was told must equal the server's objects after one relist.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "../../../src/api/v1alpha1/meta.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { ObjectList } from "../../../src/kube/list.ts";
import { defaultReflectorTimings, type ObjectSource, Reflector } from "../../../src/kube/reflector.ts";
import type { WatchEvent } from "../../../src/kube/watch.ts";
import { silentLogger } from "../../../src/support/log.ts";
import { type Random, seededRandom } from "../../../src/support/random.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

interface Widget extends KubeObject {
  readonly value: number;
}

const faults = [
  "none",
  "none",
  "none",
  "drop",
  "double",
  "late",
  "garbage",
  "gone",
  "reset",
  "end",
  "bookmark",
  "oldBookmark",
] as const;

/** What the server makes of the wish for initial events: knows it, refuses it, ignores it as old ones do, or ends too early. */
const initialEventsModes = ["never asked", "known", "refused", "ignored", "cut"] as const;

/** The model: objects by key and the log of what happened to them, behind a wire that can be told to misbehave. */
class HostileServer implements ObjectSource<Widget> {
  readonly objects = new Map<string, Widget>();
  #log: WatchEvent<Widget>[] = [];
  readonly #random: Random;
  readonly watchLists: boolean;
  readonly #initialEvents: (typeof initialEventsModes)[number];
  hostile = true;
  openWatches = 0;
  mostWatches = 0;
  calls = 0;
  initialEventsAsked = 0;
  #version = 10;
  #epoch = 0;
  #wake: (() => void)[] = [];

  constructor(random: Random, initialEvents: (typeof initialEventsModes)[number]) {
    this.#random = random;
    this.#initialEvents = initialEvents;
    this.watchLists = initialEvents !== "never asked";
  }

  put(name: string, value: number): void {
    const type = this.objects.has(name) ? "MODIFIED" : "ADDED";
    const uid = this.objects.get(name)?.metadata.uid ?? `uid-${this.#version}`;
    const object: Widget = { metadata: { name, uid, resourceVersion: String(++this.#version) }, value };
    this.objects.set(name, object);
    this.#append({ type, object });
  }

  remove(name: string): void {
    const object = this.objects.get(name);
    if (object === undefined) return;
    this.objects.delete(name);
    this.#append({
      type: "DELETED",
      object: { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } },
    });
  }

  /** What restoring an old backup does: history is gone, watches break, versions start again from an earlier one. */
  restore(): void {
    this.#log = [];
    this.#epoch++;
    this.#wakeAll();
    this.#version = Math.max(1, this.#version - 7);
    for (const [name, object] of this.objects) {
      this.objects.set(name, {
        ...object,
        metadata: {
          ...object.metadata,
          uid: `restored-${object.metadata.uid}`,
          resourceVersion: String(this.#version),
        },
      });
    }
  }

  async list({ signal }: { signal: AbortSignal }): Promise<ObjectList<Widget>> {
    this.calls++;
    await Promise.resolve();
    if (signal.aborted) throw new KubeError("ABORTED", "aborted");
    if (this.hostile && this.#random() < 0.2) throw new KubeError("SERVER_ERROR", "planned");
    return { items: [...this.objects.values()], resourceVersion: String(this.#version) };
  }

  async *watch({
    resourceVersion,
    initialEvents = false,
    signal,
  }: {
    resourceVersion: string;
    initialEvents?: boolean;
    signal: AbortSignal;
  }): AsyncGenerator<WatchEvent<Widget>> {
    this.calls++;
    if (initialEvents) this.initialEventsAsked++;
    this.mostWatches = Math.max(this.mostWatches, ++this.openWatches);
    signal.addEventListener("abort", () => this.#wakeAll(), { once: true });
    try {
      const held: WatchEvent<Widget>[] = [];
      if (initialEvents) {
        if (this.#initialEvents === "refused") throw new KubeError("UNEXPECTED_STATUS", "no", { httpStatus: 422 });
        resourceVersion = String(this.#version);
        for (const object of [...this.objects.values()]) yield* this.#misbehave({ type: "ADDED", object }, held);
        if (this.#initialEvents === "cut") return;
        if (this.#initialEvents === "known") yield { type: "BOOKMARK", resourceVersion, initialEventsEnd: true };
      }
      let at = this.#log.findIndex((event) => Number(versionOf(event)) > Number(resourceVersion));
      if (at < 0) at = this.#log.length;
      const epoch = this.#epoch;
      while (!signal.aborted) {
        if (epoch !== this.#epoch) throw new KubeError("CONNECTION_RESET", "restored");
        const event = this.#log[at];
        if (event === undefined) {
          await new Promise<void>((resolve) => this.#wake.push(resolve));
          continue;
        }
        at++;
        yield* this.#misbehave(event, held);
      }
      throw new KubeError("ABORTED", "aborted");
    } finally {
      this.openWatches--;
    }
  }

  *#misbehave(event: WatchEvent<Widget>, held: WatchEvent<Widget>[]): Generator<WatchEvent<Widget>> {
    const fault = this.hostile ? faults[Math.floor(this.#random() * faults.length)] : "none";
    if (fault === "drop") return;
    if (fault === "late") {
      held.push(event);
      return;
    }
    if (fault === "garbage") throw new KubeError("BODY_MALFORMED", "planned");
    if (fault === "gone") throw new KubeError("GONE", "planned");
    if (fault === "reset") throw new KubeError("CONNECTION_RESET", "planned");
    if (fault === "oldBookmark") yield { type: "BOOKMARK", resourceVersion: "3" };
    yield event;
    if (fault === "double") yield event;
    if (fault === "bookmark") yield { type: "BOOKMARK", resourceVersion: versionOf(event) };
    yield* held.splice(0);
  }

  #append(event: WatchEvent<Widget>): void {
    this.#log.push(event);
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function versionOf(event: WatchEvent<Widget>): string {
  return event.type === "BOOKMARK" ? event.resourceVersion : (event.object.metadata.resourceVersion as string);
}

const name = fc.constantFrom("a", "b", "c", "d");
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("put" as const), name, value: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("remove" as const), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 90_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("take" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore" as const) }) },
);

test("E-07, E-08 after the faults end, cache and reader equal the server within one relist interval", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(...initialEventsModes),
      fc.integer(),
      async (steps, mode, seed) => {
        const random = seededRandom(seed);
        const clock = new VirtualClock();
        const server = new HostileServer(random, mode);
        const reader = new Map<string, Widget>();
        const signalled = { pending: false };
        const reflector = new Reflector<Widget>({
          name: "widgets",
          source: server,
          clock,
          random,
          log: silentLogger,
          onChange: () => {
            expect(signalled.pending).toBe(false);
            signalled.pending = true;
          },
        });
        const take = () => {
          signalled.pending = false;
          for (const { key, object } of reflector.takeChanges()) {
            if (object === undefined) expect(reader.delete(key)).toBe(true);
            else reader.set(key, object);
          }
        };
        const stop = new AbortController();
        const done = reflector.run(stop.signal);
        for (const action of steps) {
          if (action.do === "put") server.put(action.name, action.value);
          else if (action.do === "remove") server.remove(action.name);
          else if (action.do === "restore") server.restore();
          else if (action.do === "take") take();
          else await clock.advance(action.ms);
          expect(server.mostWatches).toBeLessThanOrEqual(1);
        }
        server.hostile = false;
        await clock.advance(defaultReflectorTimings.relistIntervalMs * 1.1 + 60_000);
        take();
        const expected = Object.fromEntries(server.objects);
        expect(Object.fromEntries([...reflector.keys()].map((key) => [key, reflector.get(key)]))).toEqual(expected);
        expect(Object.fromEntries(reader)).toEqual(expected);
        if (mode === "known" || mode === "never asked" || mode === "refused")
          expect(reflector.state.watchLists).toBe(mode === "known");
        expect(reflector.state).toMatchObject({ synced: true, objects: server.objects.size, lastError: undefined });

        stop.abort();
        await done;
        const calls = server.calls;
        server.put("a", 1);
        await clock.advance(defaultReflectorTimings.relistIntervalMs * 3);
        expect([server.calls, server.openWatches, reflector.takeChanges()]).toEqual([calls, 0, []]);
      },
    ),
    { numRuns: 1_000 },
  );
});
