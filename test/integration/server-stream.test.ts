import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { clusterDeleted, clusterNodes } from "../../src/store/documents.ts";
import { type EventReader, readEvents } from "../support/event-reader.ts";
import { type RunningServer, startServer, status } from "../support/server-harness.ts";

const atMs = Date.UTC(2026, 0, 2);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(limits: NonNullable<Parameters<typeof startServer>[0]>["limits"] = {}): Promise<RunningServer> {
  const running = await startServer({ limits });
  cleanups.push(() => running.close());
  return running;
}

async function read(running: RunningServer, headers: Record<string, string> = {}): Promise<EventReader> {
  const reader = await readEvents(`${running.url}/api/v1/stream`, headers);
  cleanups.push(() => reader.close());
  return reader;
}

const synced = (reader: EventReader) => reader.until((event) => event.event === "synced");
const seen = (reader: EventReader) => reader.events.map(({ event, data }) => [event, (data as { name?: string }).name]);
const stats = async (running: RunningServer): Promise<string> => (await fetch(`${running.url}/metrics`)).text();

async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it did not come true within 5 s");
}

/** A reader whose socket nobody reads from. */
function connectDeaf(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => socket.destroy());
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return socket;
}

describe("the event stream", () => {
  it("begins with every cluster, says when that is all, and goes on with each change", async () => {
    const running = await start();
    await running.write(...status("b"), ...status("a"));
    const reader = await read(running);
    expect(reader.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    expect(await synced(reader)).toEqual({
      id: String(running.view.revision()),
      event: "synced",
      data: { revision: running.view.revision(), clusters: 2 },
    });
    expect(reader.text()).toMatch(/^retry: 2000\n\n/);
    expect(seen(reader).slice(0, 2).sort()).toEqual([
      ["cluster", "a"],
      ["cluster", "b"],
    ]);
    await running.write(...status("c", "line\nbreak"));
    await running.write(...clusterDeleted("a", atMs));
    const deleted = await reader.until((event) => event.event === "cluster-deleted");
    expect(deleted).toEqual({ id: String(running.view.revision()), event: "cluster-deleted", data: { name: "a" } });
    const row = running.view.clusters().find((each) => each.name === "c");
    expect(reader.events[3]).toEqual({
      id: String(row?.revision),
      event: "cluster",
      data: JSON.parse(row?.bytes.toString() ?? ""),
    });
    const ids = reader.events.map((event) => Number(event.id));
    expect(ids).toEqual([...ids].sort((x, y) => x - y));
  });

  it("is at once at its end for an empty fleet", async () => {
    const reader = await read(await start());
    expect(await synced(reader)).toMatchObject({ data: { clusters: 0 } });
  });

  it("says nothing of nodes", async () => {
    const running = await start();
    await running.write(...status("a"));
    const reader = await read(running);
    await synced(reader);
    const times = { atMs, cacheTtlSeconds: 600, retentionSeconds: 3600 };
    const node = { name: "n", status: "Ready", roles: [], current: "{}", point: "{}" };
    const numbers = {
      cpuUsagePercent: 0,
      memoryUsagePercent: 0,
      cpuCapacityCores: 0,
      memoryCapacityBytes: 0,
      podsTotal: 0,
    };
    await running.write(...clusterNodes("a", [{ ...node, ...numbers }], times));
    await running.write(...status("b"));
    await reader.until((event) => (event.data as { name?: string }).name === "b");
    expect(seen(reader)).toEqual([
      ["cluster", "a"],
      ["synced", undefined],
      ["cluster", "b"],
    ]);
  });

  it("resumes after the last event that was seen, deletions included", async () => {
    const running = await start();
    await running.write(...status("a"), ...status("b"), ...status("c"));
    const first = await read(running);
    const { id = "" } = await synced(first);
    first.close();
    await running.write(...status("b", "changed"));
    await running.write(...clusterDeleted("a", atMs));
    const second = await read(running, { "last-event-id": id });
    await synced(second);
    expect(seen(second)).toEqual([
      ["cluster", "b"],
      ["cluster-deleted", "a"],
      ["synced", undefined],
    ]);
    const third = await read(running, { "last-event-id": (await synced(second)).id ?? "" });
    await synced(third);
    expect(seen(third)).toEqual([["synced", undefined]]);
  });

  it("resumes from any event within the first state", async () => {
    const running = await start();
    await running.write(...status("c"), ...status("a"), ...status("b"));
    await running.write(...status("a", "changed"));
    const whole = await read(running);
    await synced(whole);
    for (const [at, event] of whole.events.entries()) {
      const rest = await read(running, { "last-event-id": event.id ?? "" });
      await synced(rest);
      expect(seen(rest)).toEqual(at === whole.events.length - 1 ? [["synced", undefined]] : seen(whole).slice(at + 1));
      rest.close();
    }
  });

  it("tells a reader from another time to forget what it has, and begins anew", async () => {
    const running = await start();
    await running.write(...status("a"));
    const future = String(running.view.revision() + 1);
    for (const id of ["1", future, "-1", "1e3", "nonsense", "9".repeat(40)]) {
      const reader = await read(running, { "last-event-id": id });
      await synced(reader);
      expect([id, seen(reader)]).toEqual([
        id,
        [
          ["reset", undefined],
          ["cluster", "a"],
          ["synced", undefined],
        ],
      ]);
      reader.close();
    }
  });

  it("forgets old deletions, and then says so", async () => {
    const running = await start();
    await running.write(...status("kept"));
    const first = await read(running);
    const { id = "" } = await synced(first);
    first.close();
    for (let n = 0; n < 1_001; n++) {
      await running.write(...status("gone"));
      await running.write(...clusterDeleted("gone", atMs));
    }
    const second = await read(running, { "last-event-id": id });
    await synced(second);
    expect(seen(second)).toEqual([
      ["reset", undefined],
      ["cluster", "kept"],
      ["synced", undefined],
    ]);
  });

  it("keeps a silent connection alive", async () => {
    const running = await start({ streamKeepAliveMs: 20 });
    const reader = await read(running);
    await eventually(() => reader.comments.length >= 3);
    expect(new Set(reader.comments)).toEqual(new Set(["keep-alive"]));
  });

  it("has room for so many readers and no more", async () => {
    const running = await start({ maxStreamClients: 2 });
    const first = await read(running);
    await read(running);
    const third = await read(running);
    expect(third.status).toBe(503);
    expect(third.headers["retry-after"]).toBe("5");
    first.close();
    await eventually(async () => (await stats(running)).includes("clusterpulse_stream_clients 1\n"));
    expect((await read(running)).status).toBe(200);
    expect(await stats(running)).toContain('clusterpulse_stream_disconnects_total{reason="full"} 1\n');
  });

  it("ends at once on close", async () => {
    const running = await start();
    const reader = await read(running);
    await synced(reader);
    const startedAt = performance.now();
    await running.server.close(20_000);
    expect(await reader.ended).toBe(true);
    // Not when its deadline has passed.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});

describe("a stream reader that does not keep up", () => {
  it("is disconnected and counted, and delays nobody", async () => {
    const running = await start({ maxStreamBufferBytes: 200_000 });
    const deaf = connectDeaf(running.port);
    const healthy = await read(running);
    await synced(healthy);
    await eventually(async () => (await stats(running)).includes("clusterpulse_stream_clients 2\n"));
    let isClosed = false;
    deaf.on("close", () => {
      isClosed = true;
    });
    const large = "x".repeat(100_000);
    for (let n = 0; n < 200; n++) {
      await running.write(...status("a", `${n} ${large}`));
      await healthy.until((event) => JSON.stringify(event.data).includes(`"${n} x`), n);
      if ((await stats(running)).includes('{reason="slow"} 1\n')) break;
    }
    expect(await stats(running)).toContain('clusterpulse_stream_disconnects_total{reason="slow"} 1\n');
    expect(await stats(running)).toContain("clusterpulse_stream_clients 1\n");
    deaf.resume();
    await eventually(() => isClosed);
  });

  it("is disconnected when it does not take the first state in time", async () => {
    const running = await start({ streamFillDeadlineMs: 200 });
    for (let n = 0; n < 200; n++) await running.write(...status(`c${n}`, "x".repeat(100_000)));
    connectDeaf(running.port);
    await eventually(async () => (await stats(running)).includes('{reason="slow"} 1\n'));
    expect(await stats(running)).toContain("clusterpulse_stream_clients 0\n");
  });

  it("gets a large first state at its own pace, with what changed meanwhile", async () => {
    const running = await start({ maxStreamBufferBytes: 200_000 });
    for (let n = 0; n < 200; n++) await running.write(...status(`c${n}`, "x".repeat(100_000)));
    const reader = await read(running);
    reader.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await running.write(...status("c0", "changed meanwhile"), ...status("c199", "changed too"), ...status("new"));
    await running.write(...clusterDeleted("c1", atMs));
    reader.resume();
    await synced(reader);
    const state = new Map<string, unknown>();
    for (const { event, data } of reader.events) {
      const { name } = data as { name: string };
      if (event === "cluster") state.set(name, data);
      else if (event === "cluster-deleted") state.delete(name);
    }
    const expected = running.view.clusters().map((row) => [row.name, JSON.parse(row.bytes.toString())]);
    expect([...state].sort()).toEqual(expected.sort());
    expect(await stats(running)).toContain('{reason="slow"} 0\n');
  });
});
