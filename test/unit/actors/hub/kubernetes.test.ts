// The hub's own API as clusters meet it: their Secrets, read when they are connected to.
import { afterEach, describe, expect, test } from "vitest";
import { defaultScheduleLimits, scheduleOf } from "../../../../actors/cluster/schedule.ts";
import { kubernetesPorts } from "../../../../actors/hub/kubernetes.ts";
import { failureOf } from "../../../../src/cluster/failure.ts";
import { KubeError } from "../../../../src/kube/errors.ts";
import type { JsonResponse, KubeTransport } from "../../../../src/kube/transport.ts";
import { silentLogger } from "../../../../src/support/log.ts";
import { seededRandom } from "../../../../src/support/random.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

const schedule = scheduleOf(undefined, defaultScheduleLimits);
const secret = { status: 200, body: { data: { token: Buffer.from("t").toString("base64") } } };
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const transport of opened.splice(0)) await transport.close();
});

function connecting(requestJson: () => Promise<JsonResponse>) {
  const clock = new VirtualClock();
  const hub = { server: "https://127.0.0.1:1", requestJson } as unknown as KubeTransport;
  const random = seededRandom(1);
  const options = { hub, namespace: "fleet", userAgent: "test", insideCluster: false, clock, random };
  const { connector } = kubernetesPorts({ ...options, log: silentLogger });
  const connect = async (name: string): Promise<string> => {
    const target = { namespace: "fleet", name, uid: name, endpoint: "https://127.0.0.1:1" };
    try {
      const transport = await connector.connect(
        { ...target, credentialsRef: { name } },
        schedule,
        new AbortController().signal,
      );
      opened.push(transport);
      return "connected";
    } catch (error) {
      const { reason, message } = failureOf(error);
      return `${reason}: ${message}`;
    }
  };
  return { clock, connect };
}

describe("the Secret of a registry", () => {
  const open = async (requestJson: () => Promise<JsonResponse>): Promise<string> => {
    const hub = { server: "https://127.0.0.1:1", requestJson } as unknown as KubeTransport;
    const options = { hub, namespace: "fleet", userAgent: "test", insideCluster: false, log: silentLogger };
    const { registryConnector } = kubernetesPorts({ ...options, clock: new VirtualClock(), random: seededRandom(1) });
    const connection = {
      metadata: { name: "r", namespace: "fleet" },
      spec: { endpoint: "r.example", credentialsRef: { name: "login" } },
    };
    const times = { requestTimeoutMs: 10_000, waitMs: 30_000 };
    try {
      const opening = registryConnector?.connect(connection, times, new AbortController().signal);
      const { client, isProvisional } = (await opening) as Awaited<NonNullable<typeof opening>>;
      opened.push(client);
      return isProvisional ? "asked without this time" : "connected";
    } catch (error) {
      return failureOf(error).reason;
    }
  };

  test.each([
    [new KubeError("REQUEST_DEADLINE", "no complete answer from 10.0.0.1:443 within 10 s"), "HubBusy"],
    [new KubeError("CONNECTION_REFUSED", "10.0.0.1:443 refused the connection"), "HubBusy"],
    [new KubeError("SERVER_ERROR", "the server said 503", { httpStatus: 503 }), "HubBusy"],
    [new KubeError("FORBIDDEN", "the server said 403", { httpStatus: 403 }), "asked without this time"],
    [new KubeError("NOT_FOUND", "the server said 404", { httpStatus: 404 }), "connected"],
  ])("that cannot be read with %s: %s", async (error, end) => {
    expect(await open(() => Promise.reject(error))).toBe(end);
  });
});

describe("the Secrets of a fleet that starts", () => {
  test("are read four at once, so that none waits in a queue with its deadline running", async () => {
    const reads = { now: 0, most: 0 };
    const { clock, connect } = connecting(async () => {
      reads.most = Math.max(reads.most, ++reads.now);
      await new Promise<void>((resolve) => void clock.setTimer(resolve, 1_000));
      reads.now--;
      return secret;
    });
    const ends = Promise.all(Array.from({ length: 100 }, (_, i) => connect(`c${i}`)));
    await clock.advance(60_000);
    const counts = Object.groupBy(await ends, (end) => end);
    // 15 s of waiting are 15 rounds of four; the last of those in the first round waited for nothing.
    expect(Object.entries(counts).map(([end, all]) => [end, all?.length])).toEqual([
      ["connected", 60],
      ["HubBusy: the hub is busy: no turn to read a Secret within 15 s", 40],
    ]);
    expect(reads).toEqual({ now: 0, most: 4 });
  });

  test.each([
    [new KubeError("REQUEST_DEADLINE", "no complete answer from 10.0.0.1:443 within 10 s"), "HubBusy"],
    [new KubeError("CONNECTION_REFUSED", "10.0.0.1:443 refused the connection"), "HubBusy"],
    [new KubeError("SERVER_ERROR", "the server said 503", { httpStatus: 503 }), "HubBusy"],
    [new KubeError("RATE_LIMITED", "the server said 429", { httpStatus: 429 }), "HubBusy"],
    [new KubeError("FORBIDDEN", "the server said 403", { httpStatus: 403 }), "Forbidden"],
    [new KubeError("NOT_FOUND", "the server said 404", { httpStatus: 404 }), "CredentialsMissing"],
  ])("that end with %s give the reason %s", async (error, reason) => {
    const { connect } = connecting(() => Promise.reject(error));
    expect((await connect("c")).split(":")[0]).toBe(reason);
  });
});
