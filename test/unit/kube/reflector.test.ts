import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../../src/api/v1alpha1/meta.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { ObjectList } from "../../../src/kube/list.ts";
import {
  defaultReflectorTimings,
  type ObjectSource,
  Reflector,
  type ReflectorOptions,
} from "../../../src/kube/reflector.ts";
import type { WatchEvent } from "../../../src/kube/watch.ts";
import { silentLogger } from "../../../src/support/log.ts";
import { seededRandom } from "../../../src/support/random.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

type Event = WatchEvent<KubeObject>;
type WatchScript = (options: Parameters<ObjectSource<KubeObject>["watch"]>[0]) => AsyncIterable<Event>;

const object = (name: string, resourceVersion: string): KubeObject => ({ metadata: { name, resourceVersion } });
const emptyList = (resourceVersion = "10"): ObjectList<KubeObject> => ({ items: [], resourceVersion });

/** A watch that sends `events` and stays open until its signal aborts. */
async function* openWatch(signal: AbortSignal, ...events: Event[]): AsyncGenerator<Event> {
  yield* events;
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  throw new KubeError("ABORTED", "aborted");
}

// biome-ignore lint/correctness/useYield: a watch that fails before its first event.
async function* failingWatch(error: Error): AsyncGenerator<Event> {
  throw error;
}

function start(
  list: ObjectSource<KubeObject>["list"],
  watch: WatchScript,
  more: Partial<ReflectorOptions<KubeObject>> = {},
  watchLists = false,
) {
  const clock = new VirtualClock();
  const seen = {
    lists: [] as number[],
    watches: [] as { atMs: number; resourceVersion: string; timeoutSeconds: number; initialEvents: boolean }[],
    changes: 0,
    synced: 0,
  };
  const reflector = new Reflector<KubeObject>({
    name: "widgets",
    source: {
      watchLists,
      list: (options) => {
        seen.lists.push(clock.monotonicMs());
        return list(options);
      },
      watch: (options) => {
        seen.watches.push({
          atMs: clock.monotonicMs(),
          resourceVersion: options.resourceVersion,
          timeoutSeconds: options.timeoutSeconds,
          initialEvents: options.initialEvents ?? false,
        });
        return watch(options);
      },
    },
    clock,
    random: seededRandom(7),
    log: silentLogger,
    onChange: () => void seen.changes++,
    onSynced: () => void seen.synced++,
    ...more,
  });
  const stop = new AbortController();
  // One turn later: the scripts refer to what this function returns.
  const done = Promise.resolve().then(() => reflector.run(stop.signal));
  const end = () => {
    stop.abort();
    return done;
  };
  return { clock, seen, reflector, stop: end };
}

describe("a healthy watch", () => {
  test("follows one list from its version, asks for five to ten minutes, and tells its reader once per batch", async () => {
    const { clock, seen, reflector, stop } = start(
      async () => ({ items: [object("a", "1"), object("b", "2")], resourceVersion: "10" }),
      ({ signal }) =>
        openWatch(signal, { type: "ADDED", object: object("c", "11") }, { type: "DELETED", object: object("a", "12") }),
    );
    await clock.advance(0);
    expect(seen).toMatchObject({ changes: 1, synced: 1, lists: [0] });
    expect(seen.watches[0]).toMatchObject({ resourceVersion: "10" });
    expect(seen.watches[0]?.timeoutSeconds).toBeGreaterThanOrEqual(30);
    expect(seen.watches[0]?.timeoutSeconds).toBeLessThan(45);
    expect(reflector.takeChanges().map(({ key }) => key)).toEqual(["b", "c"]);
    expect(reflector.state).toMatchObject({
      synced: true,
      objects: 2,
      relists: 0,
      reconnects: 0,
      lastError: undefined,
    });
    await stop();
  });

  test("that the server ends is resumed at once, after the last bookmark", async () => {
    const { clock, seen, stop } = start(
      async () => emptyList(),
      async function* ({ signal }) {
        yield { type: "BOOKMARK", resourceVersion: "77" };
        if (seen.watches.length > 1) yield* openWatch(signal);
        await new Promise<void>((resolve) => clock.setTimer(resolve, 60_000));
      },
    );
    await clock.advance(60_000);
    expect(seen.watches.map(({ resourceVersion }) => resourceVersion)).toEqual(["10", "77"]);
    await stop();
  });

  test("is interrupted by a list about every ten minutes", async () => {
    const { clock, seen, stop } = start(
      async () => emptyList(),
      ({ signal }) => openWatch(signal),
    );
    await clock.advance(3_600_000);
    expect(seen.lists.length).toBeGreaterThanOrEqual(6);
    expect(seen.lists.length).toBeLessThanOrEqual(7);
    expect(seen.watches.length).toBe(seen.lists.length);
    await stop();
  });

  test("of an empty collection syncs without a change", async () => {
    const { clock, seen, stop } = start(
      async () => emptyList(),
      ({ signal }) => openWatch(signal),
    );
    await clock.advance(0);
    expect([seen.synced, seen.changes]).toEqual([1, 0]);
    await stop();
  });
});

describe("E-05 a forgotten version", () => {
  test("leads to one relist, soon but not at once", async () => {
    const { clock, seen, stop } = start(
      async () => emptyList(String(10 + seen.lists.length)),
      async function* ({ signal }) {
        if (seen.watches.length > 1) return yield* openWatch(signal);
        await new Promise<void>((resolve) => clock.setTimer(resolve, 120_000));
        throw new KubeError("GONE", "compacted");
      },
    );
    await clock.advance(150_000);
    expect(seen.lists).toHaveLength(2);
    expect(seen.lists[1]).toBeGreaterThan(120_000);
    expect(seen.lists[1]).toBeLessThanOrEqual(122_000);
    expect(seen.watches.map(({ resourceVersion }) => resourceVersion)).toEqual(["11", "12"]);
    await stop();
  });

  test("at every watch costs fewer than two lists a minute", async () => {
    const { clock, seen, stop } = start(
      async () => emptyList(),
      () => failingWatch(new KubeError("GONE", "compacted")),
    );
    await clock.advance(30 * 60_000);
    expect(seen.lists.length).toBeLessThan(60);
    expect(seen.lists.length).toBeGreaterThan(30);
    expect(seen.watches.length).toBe(seen.lists.length);
    await stop();
  });
});

describe("a failure", () => {
  test("E-06 of a watch is retried from the same version with growing pauses, and shown meanwhile", async () => {
    const { clock, seen, reflector, stop } = start(
      async () => emptyList(),
      ({ signal }) =>
        seen.watches.length <= 2 ? failingWatch(new KubeError("SERVER_ERROR", "status 500")) : openWatch(signal),
    );
    await clock.advance(0);
    expect(reflector.state.lastError).toMatchObject({ code: "SERVER_ERROR", message: "status 500" });
    await clock.advance(5_000);
    expect(seen.watches.map(({ resourceVersion }) => resourceVersion)).toEqual(["10", "10", "10"]);
    expect([seen.lists.length, reflector.state.reconnects]).toEqual([1, 2]);
    await stop();
  });

  test("that repeats itself asks for a new list: the version may have become one of the future", async () => {
    const { clock, seen, stop } = start(
      async () => emptyList(),
      () => failingWatch(new KubeError("SERVER_ERROR", "504")),
    );
    await clock.advance(10 * 60_000);
    expect(seen.lists.length).toBeGreaterThan(3);
    expect(seen.lists.length).toBeLessThan(20);
    await stop();
  });

  test("to read an event asks for a new list, because it may be unreadable for ever", async () => {
    const { clock, seen, stop } = start(
      async () => emptyList(String(10 + seen.lists.length)),
      ({ resourceVersion, signal }) =>
        resourceVersion === "11" ? failingWatch(new KubeError("BODY_TOO_LARGE", "line")) : openWatch(signal),
    );
    await clock.advance(60_000);
    expect(seen.lists).toHaveLength(2);
    expect(seen.lists[1]).toBeGreaterThanOrEqual(30_000);
    expect(seen.lists[1]).toBeLessThanOrEqual(60_000);
    await stop();
  });

  test("of every list backs off to half a minute and never gives up", async () => {
    const { clock, seen, reflector, stop } = start(
      async () => {
        if (seen.lists.length < 40) throw new KubeError("UNAUTHORIZED", "unauthorized");
        return emptyList();
      },
      ({ signal }) => openWatch(signal),
    );
    await clock.advance(10 * 60_000);
    expect(seen.lists.length).toBeGreaterThan(15);
    await clock.advance(30 * 60_000);
    expect(reflector.state).toMatchObject({ synced: true, lastError: undefined });
    await stop();
  });

  test("with a time to wait is obeyed: neither watch nor list comes sooner, and not much later", async () => {
    const { clock, seen, stop } = start(
      async () => {
        if (seen.lists.length === 1) throw new KubeError("RATE_LIMITED", "429", { retryAfterMs: 60_000 });
        return emptyList();
      },
      ({ signal }) =>
        seen.watches.length <= 4
          ? failingWatch(new KubeError("RATE_LIMITED", "429", { retryAfterMs: 100_000 }))
          : openWatch(signal),
    );
    await clock.advance(570_000);
    expect(seen.lists).toHaveLength(2);
    expect(seen.lists[1]).toBeGreaterThanOrEqual(60_000);
    const times = [seen.lists[1] ?? 0, ...seen.watches.map(({ atMs }) => atMs)];
    const pauses = times.slice(1).map((atMs, i) => atMs - (times[i] ?? 0));
    expect(pauses[0]).toBe(0);
    expect(Math.min(...pauses.slice(1))).toBeGreaterThanOrEqual(100_000);
    expect(Math.max(...pauses)).toBeLessThan(130_000);
    expect(seen.watches).toHaveLength(5);
    await stop();
  });

  test("of the reader's own callback changes nothing", async () => {
    const { clock, reflector, stop } = start(
      async () => ({ items: [object("a", "1")], resourceVersion: "10" }),
      ({ signal }) => openWatch(signal, { type: "ADDED", object: object("b", "11") }),
      {
        onChange: () => {
          throw new Error("reader");
        },
      },
    );
    await clock.advance(0);
    expect(reflector.state).toMatchObject({ objects: 2, lastError: undefined });
    await stop();
  });

  test("by too many objects is shown and keeps what was known", async () => {
    const { clock, reflector, stop } = start(
      async () => ({ items: [object("a", "1"), object("b", "2")], resourceVersion: "10" }),
      ({ signal }) => openWatch(signal, { type: "ADDED", object: object("c", "11") }),
      { maxObjects: 2 },
    );
    await clock.advance(0);
    expect(reflector.state).toMatchObject({ objects: 2, lastError: { code: "TOO_MANY_OBJECTS" } });
    await stop();
  });
});

describe("where watches can begin with a list", () => {
  const initial = (...names: string[]): Event[] => [
    ...names.map((name): Event => ({ type: "ADDED", object: object(name, "5") })),
    { type: "BOOKMARK", resourceVersion: "10", initialEventsEnd: true },
  ];

  test("one connection brings the list and then the changes; relists come the same way", async () => {
    const { clock, seen, reflector, stop } = start(
      async () => expect.fail("nothing is to be listed"),
      ({ signal, initialEvents }) =>
        openWatch(
          signal,
          ...(initialEvents ? initial(...(seen.watches.length === 1 ? ["a", "b"] : ["b"])) : []),
          ...(seen.watches.length === 1 ? [{ type: "ADDED" as const, object: object("c", "11") }] : []),
        ),
      {},
      true,
    );
    await clock.advance(0);
    expect(reflector.takeChanges().map(({ key }) => key)).toEqual(["a", "b", "c"]);
    expect(seen).toMatchObject({ lists: [], synced: 1, changes: 1 });
    expect(reflector.state).toMatchObject({ synced: true, relists: 0, reconnects: 0, watchLists: true });
    await clock.advance(700_000);
    expect(seen.watches.map(({ initialEvents }) => initialEvents)).toEqual([true, true]);
    expect(reflector.takeChanges().map(({ key, object }) => [key, object?.metadata.name])).toEqual([
      ["a", undefined],
      ["c", undefined],
    ]);
    await stop();
  });

  test("nothing is known, and nobody told, before the list is complete; changes between its events count", async () => {
    const release: (() => void)[] = [];
    const { clock, seen, reflector, stop } = start(
      async () => expect.fail("nothing is to be listed"),
      async function* ({ signal }) {
        yield { type: "ADDED", object: object("a", "5") };
        yield { type: "ADDED", object: object("b", "6") };
        yield { type: "MODIFIED", object: object("a", "8") };
        yield { type: "MODIFIED", object: object("a", "7") };
        yield { type: "DELETED", object: object("b", "9") };
        yield { type: "BOOKMARK", resourceVersion: "9" };
        await new Promise<void>((resolve) => release.push(resolve));
        yield* openWatch(signal, { type: "BOOKMARK", resourceVersion: "10", initialEventsEnd: true });
      },
      {},
      true,
    );
    await clock.advance(5_000);
    expect([reflector.state.synced, reflector.state.objects, seen.changes]).toEqual([false, 0, 0]);
    release[0]?.();
    await clock.advance(0);
    expect(reflector.takeChanges().map(({ key, object }) => `${key}@${object?.metadata.resourceVersion}`)).toEqual([
      "a@8",
    ]);
    await stop();
  });

  test.each([
    ["refuses", () => failingWatch(new KubeError("UNEXPECTED_STATUS", "422", { httpStatus: 422 })), 0],
    ["calls bad", () => failingWatch(new KubeError("UNEXPECTED_STATUS", "400", { httpStatus: 400 })), 0],
    [
      "never ends them",
      (signal: AbortSignal) => openWatch(signal, { type: "ADDED", object: object("a", "5") }),
      10_000,
    ],
    ["ends without them", () => [] as unknown as AsyncIterable<Event>, 0],
  ] as const)("a server that %s is listed instead, from then on", async (_name, refuse, afterMs) => {
    const { clock, seen, reflector, stop } = start(
      async () => emptyList(),
      ({ signal, initialEvents }) => (initialEvents ? (refuse(signal) as AsyncIterable<Event>) : openWatch(signal)),
      {},
      true,
    );
    await clock.advance(afterMs);
    expect(seen.lists).toEqual([afterMs]);
    expect(reflector.state).toMatchObject({ synced: true, watchLists: false, lastError: undefined });
    await clock.advance(3_600_000);
    expect(seen.watches.filter(({ initialEvents }) => initialEvents)).toHaveLength(1);
    expect(seen.lists.length).toBeGreaterThan(5);
    await stop();
  });

  test("any other failure leads to an ordinary list after a pause, and to another try later", async () => {
    const { clock, seen, reflector, stop } = start(
      async () => emptyList(),
      ({ signal, initialEvents }) =>
        seen.watches.length === 1
          ? failingWatch(new KubeError("CONNECTION_RESET", "reset"))
          : openWatch(signal, ...(initialEvents ? initial() : [])),
      {},
      true,
    );
    await clock.advance(0);
    expect(reflector.state).toMatchObject({ synced: false, lastError: { code: "CONNECTION_RESET" } });
    await clock.advance(1_000);
    expect([seen.lists.length, reflector.state.synced, reflector.state.watchLists]).toEqual([1, true, true]);
    await stop();
  });

  test("too many objects are refused as in a list", async () => {
    const { clock, reflector, stop } = start(
      async () => emptyList(),
      ({ signal, initialEvents }) => openWatch(signal, ...(initialEvents ? initial("a", "b", "c") : [])),
      { maxObjects: 2 },
      true,
    );
    await clock.advance(0);
    expect(reflector.state).toMatchObject({ synced: false, lastError: { code: "TOO_MANY_OBJECTS" } });
    await stop();
  });

  test("after the signal aborts nothing is taken over and no list is asked for", async () => {
    const { clock, seen, reflector, stop } = start(
      async () => emptyList(),
      ({ signal }) => openWatch(signal, { type: "ADDED", object: object("a", "5") }),
      {},
      true,
    );
    await clock.advance(100);
    await stop();
    await clock.advance(3_600_000);
    expect([seen.lists, seen.watches.length, reflector.state.synced, reflector.state.watchLists]).toEqual([
      [],
      1,
      false,
      true,
    ]);
  });
});

test("watches that end at once do not spin", async () => {
  const { clock, seen, stop } = start(
    async () => emptyList(),
    async function* () {
      yield { type: "BOOKMARK", resourceVersion: "12" };
    },
  );
  await clock.advance(10 * 60_000);
  expect(seen.watches.length).toBeLessThan(90);
  await stop();
});

test("an event out of order leads to a list within a minute", async () => {
  const { clock, seen, stop } = start(
    async () => emptyList(),
    ({ signal }) => openWatch(signal, { type: "ADDED", object: object("a", "9") }),
  );
  await clock.advance(60_000);
  expect(seen.lists).toHaveLength(2);
  await stop();
});

describe("after its signal aborts", () => {
  test("during the list, nothing is taken over and no watch is opened", async () => {
    let answer: ((list: ObjectList<KubeObject>) => void) | undefined;
    const { clock, seen, reflector, stop } = start(
      () => new Promise((resolve) => (answer = resolve)),
      ({ signal }) => openWatch(signal),
    );
    await clock.settle();
    const stopped = stop();
    answer?.({ items: [object("a", "1")], resourceVersion: "10" });
    await stopped;
    await clock.advance(3_600_000);
    expect(seen).toEqual({ lists: [0], watches: [], changes: 0, synced: 0 });
    expect(reflector.state).toMatchObject({ synced: false, objects: 0, lastError: undefined });
  });

  test("during a watch or a pause, nothing more happens", async () => {
    for (const watch of [
      ({ signal }) => openWatch(signal),
      () => failingWatch(new KubeError("GONE", "gone")),
    ] satisfies WatchScript[]) {
      const { clock, seen, reflector, stop } = start(async () => emptyList(), watch);
      await clock.advance(1);
      await stop();
      const before = structuredClone([seen, reflector.state]);
      await clock.advance(3_600_000);
      expect([seen, reflector.state]).toEqual(before);
    }
  });

  test("by its reader's own doing, events that have already arrived are not applied", async () => {
    const halt = new AbortController();
    const source: ObjectSource<KubeObject> = {
      list: async () => emptyList(),
      async *watch() {
        for (const [name, version] of [
          ["a", "11"],
          ["b", "12"],
        ] as const)
          yield { type: "ADDED", object: object(name, version) };
      },
    };
    const reflector = new Reflector<KubeObject>({
      name: "widgets",
      source,
      clock: new VirtualClock(),
      random: seededRandom(1),
      log: silentLogger,
      onChange: () => halt.abort(),
    });
    await reflector.run(halt.signal);
    expect([...reflector.keys()]).toEqual(["a"]);
  });

  test("it may run again, but not twice at a time", async () => {
    const { clock, seen, reflector, stop } = start(
      async () => emptyList(),
      ({ signal }) => openWatch(signal),
    );
    await clock.advance(0);
    await expect(reflector.run(new AbortController().signal)).rejects.toThrow("running already");
    await stop();
    const again = new AbortController();
    const done = reflector.run(again.signal);
    await clock.advance(0);
    expect(seen.watches).toHaveLength(2);
    again.abort();
    await done;
  });
});

test("E-03 a watch that falls silent is given up within a minute, is shown and opened anew", async () => {
  const idle: number[] = [];
  const silent: WatchScript = async function* ({ idleTimeoutMs, signal }) {
    idle.push(idleTimeoutMs);
    await new Promise<void>((resolve) => {
      clock.setTimer(resolve, idleTimeoutMs);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    throw new KubeError("BODY_TIMEOUT", "nothing received");
  };
  const { clock, seen, reflector, stop } = start(async () => emptyList(), silent);
  await clock.advance(60_000);
  expect(seen.watches).toHaveLength(2);
  await clock.advance(100_000);
  // No watch is silent for this long unless it is dead: the server was asked to end it before.
  const [idleMs = 0, ...others] = new Set(idle);
  expect(others).toEqual([]);
  expect(idleMs).toBeLessThan(60_000);
  for (const { timeoutSeconds } of seen.watches) expect(timeoutSeconds * 1_000).toBeLessThan(idleMs - 5_000);
  // Each one is noticed, shown and followed by another, after a pause and never twice for one.
  expect(seen.watches).toHaveLength(3);
  expect(seen.lists.length).toBeLessThanOrEqual(2);
  for (const [i, { atMs }] of seen.watches.entries())
    expect(atMs).toBeGreaterThanOrEqual(i * defaultReflectorTimings.idleTimeoutMs);
  expect(reflector.state.lastError).toMatchObject({ code: "BODY_TIMEOUT" });
  await stop();
});
