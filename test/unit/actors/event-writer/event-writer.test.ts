// Events in virtual time: transitions and nothing else, as series, at a bounded rate.
import { afterEach, describe, expect, test } from "vitest";
import { transitionOf } from "../../../../actors/cluster/transitions.ts";
import { type EventSeries, eventWriter, type HubEvent } from "../../../../actors/event-writer/event-writer.ts";
import { kubernetesEventPoster } from "../../../../actors/event-writer/kubernetes.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import type { Condition } from "../../../../src/api/v1alpha1/meta.ts";
import { KubeError } from "../../../../src/kube/errors.ts";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

let stop: () => Promise<unknown> = () => Promise.resolve();
afterEach(() => stop());

function start() {
  const kit = createTestSystem({ seed: 5 });
  const posted: EventSeries[] = [];
  let answer: () => Promise<void> = () => Promise.resolve();
  const { definition, sink } = eventWriter({
    post(series) {
      posted.push(series);
      return answer();
    },
  });
  kit.system.spawn(definition, { name: "event-writer" });
  stop = async () => {
    const stopped = kit.system.stop(5_000);
    await kit.advance(6_000);
    return stopped;
  };
  const emit = (name: string, atMs: number, reason = "ClusterUnreachable"): void => {
    const target = {
      apiVersion: "clusterpulse.io/v1alpha1",
      kind: "ClusterConnection",
      namespace: "hubs",
      name,
      uid: name,
    };
    const event: HubEvent = { target, type: "Warning", reason, message: "refused", atMs };
    sink.emit(event);
  };
  return {
    kit,
    posted,
    emit,
    answer: (next: () => Promise<void>) => {
      answer = next;
    },
  };
}

describe("the event writer", () => {
  test("counts equal events as a series, and begins a new one after ten minutes", async () => {
    const { kit, posted, emit } = start();
    for (let i = 0; i < 50; i++) emit("a", i * 1_000);
    await kit.advance(5_000);
    emit("a", 60_000);
    await kit.advance(5_000);
    emit("a", 660_001);
    await kit.advance(5_000);
    expect(posted.map(({ count, firstMs, lastMs }) => [count, firstMs, lastMs])).toEqual([
      [50, 0, 49_000],
      [51, 0, 60_000],
      [1, 660_001, 660_001],
    ]);
    expect(new Set(posted.map(({ name }) => name)).size).toBe(2);
    for (const { name } of posted) expect(name).toMatch(/^a\.[0-9a-f]{2,16}$/);
  });

  test("writes ten a second, and drops what is beyond a thousand", async () => {
    const { kit, posted, emit } = start();
    for (let i = 0; i < 3_000; i++) emit(`c${i}`, 0);
    await kit.advance(1_100);
    expect(posted.length).toBeLessThanOrEqual(10);
    await kit.advance(600_000);
    expect(posted).toHaveLength(1_000);
  });

  test("tries again what failed, and gives up what is refused", async () => {
    const { kit, posted, emit, answer } = start();
    answer(() => Promise.reject(new KubeError("CONNECTION_REFUSED", "down")));
    emit("a", 0);
    await kit.advance(10_000);
    expect(posted.length).toBeGreaterThan(1);
    answer(() => Promise.reject(new KubeError("FORBIDDEN", "no", { httpStatus: 403 })));
    await kit.advance(120_000);
    const tries = posted.length;
    await kit.advance(600_000);
    expect(posted).toHaveLength(tries);
  });
});

describe("the events of a fleet", () => {
  test("tell how a cluster is lost and found, and not how it stays", async () => {
    const fleet = startVirtualFleet(["a", "b"]);
    stop = () => fleet.stop();
    await fleet.clock.advance(120_000);
    fleet.behaviours.set("a", "refuse");
    await fleet.clock.advance(1_800_000);
    fleet.behaviours.set("a", "unauthorized");
    await fleet.clock.advance(600_000);
    fleet.behaviours.set("a", "throws");
    await fleet.clock.advance(600_000);
    fleet.behaviours.set("a", "healthy");
    await fleet.clock.advance(600_000);
    const of = (name: string) => fleet.events.filter(({ target }) => target.name === name);
    expect(of("a").map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      "Normal ClusterConnected",
      "Warning ClusterUnreachable",
      "Warning ClusterFailing",
      "Warning ClusterUnreachable",
      "Normal ClusterRecovered",
    ]);
    expect(of("b")).toHaveLength(1);
    expect(of("a")[1]).toMatchObject({
      message: "connection refused by 127.0.0.1:6443",
      target: { apiVersion: "clusterpulse.io/v1alpha1", kind: "ClusterConnection", namespace: "hubs", uid: "uid-a" },
    });
    expect(JSON.stringify(fleet.events)).not.toContain("canary");
  });

  test("of a cluster that flaps are a few, with a count", async () => {
    const fleet = startVirtualFleet(["a"]);
    stop = () => fleet.stop();
    for (let i = 0; i < 40; i++) {
      fleet.behaviours.set("a", i % 2 === 0 ? "healthy" : "refuse");
      await fleet.clock.advance(30_000);
    }
    expect(new Set(fleet.events.map(({ name }) => name)).size).toBeLessThanOrEqual(3);
    expect(Math.max(...fleet.events.map(({ count }) => count))).toBeGreaterThan(15);
  });
});

describe("a transition", () => {
  const conditions = (
    ready: Condition["status"],
    reason: string,
    reachable: Condition["status"] = ready,
  ): Condition[] =>
    [
      { type: "Ready", status: ready },
      { type: "Reachable", status: reachable },
    ].map((condition) => ({ ...condition, reason, message: "", lastTransitionTime: "" }));
  const pending = conditions("Unknown", "Pending");
  const fine = conditions("True", "Reachable");
  const lost = conditions("False", "ConnectTimeout");
  test.each([
    ["nothing known", [], pending, undefined],
    ["the first success", pending, fine, "ClusterConnected"],
    ["a steady state", fine, fine, undefined],
    ["another cause of the same", lost, conditions("False", "ConnectionRefused"), undefined],
    ["lost", fine, lost, "ClusterUnreachable"],
    ["slow", fine, conditions("True", "Slow"), "ClusterSlow"],
    ["found", lost, fine, "ClusterRecovered"],
    ["refused", fine, conditions("False", "Unauthorized", "True"), "ClusterFailing"],
    ["a spec that cannot be used", fine, conditions("False", "InvalidSpec", "Unknown"), "InvalidSpec"],
    ["no Secret", fine, conditions("False", "CredentialsMissing", "Unknown"), "CredentialsMissing"],
  ] as const)("%s", (_name, before, after, reason) => {
    expect(transitionOf(before, after)?.reason).toBe(reason);
  });
});

describe("on the wire", () => {
  const series: EventSeries = {
    target: {
      apiVersion: "clusterpulse.io/v1alpha1",
      kind: "ClusterConnection",
      namespace: "hubs",
      name: "a",
      uid: "u",
    },
    type: "Warning",
    reason: "ClusterUnreachable",
    message: "refused",
    name: "a.1",
    firstMs: 0,
    lastMs: 60_000,
    count: 1,
  };
  const post = async (given: EventSeries, answers: (KubeError | undefined)[]) => {
    const asked: string[] = [];
    const poster = kubernetesEventPoster({
      requestJson(method, path) {
        asked.push(`${method} ${path}`);
        const error = answers.shift();
        return error === undefined ? Promise.resolve({ status: 200, body: {} }) : Promise.reject(error);
      },
    });
    await poster.post(given, AbortSignal.timeout(1_000));
    return asked;
  };
  const collection = "/api/v1/namespaces/hubs/events";
  const error = (code: "NOT_FOUND" | "CONFLICT") => new KubeError(code, code);

  test("a series is created once, then patched, and created again when it was forgotten", async () => {
    expect(await post(series, [])).toEqual([`POST ${collection}`]);
    expect(await post(series, [error("CONFLICT")])).toEqual([`POST ${collection}`]);
    expect(await post({ ...series, count: 2 }, [])).toEqual([`PATCH ${collection}/a.1`]);
    const again = [`PATCH ${collection}/a.1`, `POST ${collection}`];
    expect(await post({ ...series, count: 2 }, [error("NOT_FOUND")])).toEqual(again);
  });
});
