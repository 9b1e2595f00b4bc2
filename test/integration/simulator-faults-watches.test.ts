// Faults of watches on real sockets: how they end, what is wrong with their lines, and what a history that is gone looks like.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FaultName, type FaultParameters, type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { type Access, accessTo, askHttp1, type Got } from "../support/wire-client.ts";

let simulator: Simulator;
let hub: Access;
let named = 0;
const stops: AbortController[] = [];

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 1, seed: 41, preset: "tiny" });
  hub = accessTo(simulator, "hub");
});
afterAll(() => simulator.close());
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  await simulator.faults.remove("hub");
});

const break_ = (fault: FaultName, parameters: FaultParameters = {}): Promise<void> =>
  simulator.faults.add({ cluster: "hub", fault, parameters });
const fired = (): number => simulator.faults.list()[0]?.fired ?? 0;
const version = async (): Promise<string> => {
  const { bytes } = await askHttp1(hub, "/api/v1/namespaces/default/configmaps");
  return (JSON.parse(bytes.toString()) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
};

/** Makes so many events. */
function write(count: number): string[] {
  return Array.from({ length: count }, () => {
    const name = `made-${named++}`;
    simulator.hub.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });
    return name;
  });
}

class Watch {
  text = "";
  ended: Got | undefined;

  constructor(query: string, resource = "namespaces/default/configmaps") {
    const stop = new AbortController();
    stops.push(stop);
    const onData = (bytes: Buffer): void => {
      this.text += bytes.toString();
    };
    const path = `/api/v1/${resource}?watch=1&${query}`;
    void askHttp1(hub, path, { signal: stop.signal, onData }).then((got) => {
      this.ended = got;
    });
  }

  get lines(): string[] {
    return this.text.split("\n").filter((line) => line !== "");
  }

  /** Names of the objects of its events; what is no event as it is. */
  get names(): string[] {
    return this.lines.map((line) => /"name":"(made-\d+)"/.exec(line)?.[1] ?? line);
  }
}

/** A watch from now on, whose headers are there. */
async function watchFromNow(): Promise<Watch> {
  const watch = new Watch(`resourceVersion=${await version()}`);
  const [first] = write(1);
  await expect.poll(() => watch.names).toContain(first);
  watch.text = "";
  return watch;
}

describe("a watch that ends", () => {
  it.each<[FaultName, FaultParameters, string | undefined]>([
    ["watchstall", { variant: "drop", afterEvents: 2 }, "ECONNRESET"],
    ["watchstall", { variant: "close", afterEvents: 2 }, undefined],
    ["watch410", { variant: "event", afterEvents: 2 }, undefined],
    ["watch410", { code: 500, afterEvents: 2 }, undefined],
    ["watch410", { code: 429, afterEvents: 2 }, undefined],
    ["watchstall", { variant: "halfLine", afterEvents: 2 }, undefined],
  ])("%s %j: two events, then its end", async (fault, parameters, error) => {
    const from = await version();
    await break_(fault, parameters);
    const watch = new Watch(`resourceVersion=${from}`);
    const names = write(3);
    await expect.poll(() => watch.ended).toBeDefined();
    expect(watch.names.slice(0, 2)).toEqual(names.slice(0, 2));
    expect(watch.ended?.error).toBe(error);
    const last = watch.lines[2];
    if (fault === "watch410") {
      const { code = 410 } = parameters;
      expect(JSON.parse(last as string)).toMatchObject({ type: "ERROR", object: { code } });
    } else if (parameters.variant === "halfLine") expect(() => JSON.parse(last as string)).toThrow();
    else expect(last).toBeUndefined();
    expect(fired()).toBeGreaterThanOrEqual(1);
  });

  it("drop after a time meets watches that are open, and only of the resources that are meant", async () => {
    const [meant, other] = [await watchFromNow(), new Watch("resourceVersion=0", "namespaces")];
    await expect.poll(() => other.lines.length).toBeGreaterThan(0);
    await break_("watchstall", { variant: "drop", afterMs: 100, resource: "configmaps" });
    await expect.poll(() => meant.ended?.error).toBe("ECONNRESET");
    expect(other.ended).toBeUndefined();
  });

  it("an immediate close: again and again", async () => {
    await break_("watchstall", { variant: "close" });
    const before = fired();
    for (let i = 0; i < 3; i++) {
      const watch = new Watch("resourceVersion=0");
      await expect.poll(() => watch.ended?.status).toBe(200);
      expect(watch.ended?.error).toBeUndefined();
    }
    expect(fired()).toBe(before + 3);
  });

  it("HTTP 410: open watches break, new ones are refused", async () => {
    const open = await watchFromNow();
    await break_("watch410", { variant: "http" });
    await expect.poll(() => open.ended).toBeDefined();
    const watch = new Watch("resourceVersion=0");
    await expect.poll(() => watch.ended?.status).toBe(410);
    expect(await version()).toMatch(/^\d+$/);
  });
});

describe("a watch that stays open", () => {
  it("with a 410 and without an end, until it is healed", async () => {
    const open = await watchFromNow();
    await break_("watch410", { variant: "keepOpen" });
    await expect.poll(() => open.text).toContain('"code":410');
    const later = new Watch("resourceVersion=0");
    await expect.poll(() => later.text).toContain('"code":410');
    write(1);
    expect([open.lines.length, later.lines.length, open.ended, later.ended]).toEqual([1, 1, undefined, undefined]);
    await simulator.faults.remove("hub");
    await expect.poll(() => [open.ended?.error, later.ended?.error]).toEqual(["ECONNRESET", "ECONNRESET"]);
  });

  it("silence after some events", async () => {
    const open = await watchFromNow();
    await break_("watchstall", { afterEvents: 1 });
    const [first] = write(3);
    await expect.poll(() => open.names).toEqual([first]);
    await simulator.faults.remove("hub");
    await expect.poll(() => open.ended?.error).toBe("ECONNRESET");
  });

  it.each<[FaultParameters["variant"], (names: readonly string[]) => readonly string[]]>([
    ["duplicate", ([a = "", b = "", c = "", d = ""]) => [a, b, b, c, d, d]],
    ["lose", ([a = "", , c = ""]) => [a, c]],
    ["reorder", ([a = "", b = "", c = ""]) => [a, c, b]],
  ])("with every second event wrong: %s", async (variant, expected) => {
    const open = await watchFromNow();
    await break_("watchstall", { variant: variant as "lose" });
    const names = write(4);
    await expect.poll(() => open.names).toEqual(expected(names));
    await simulator.faults.remove("hub");
    const [next] = write(1);
    await expect.poll(() => open.names.at(-1)).toBe(next);
  });

  it("with a line that is no JSON, and with one that never ends", async () => {
    const open = await watchFromNow();
    await break_("watchstall", { variant: "garbageLine" });
    const names = write(1);
    await expect.poll(() => open.lines.length).toBe(2);
    expect(open.names).toEqual(["}{ this is no event", ...names]);
    await break_("watchstall", { variant: "endlessLine", sizeMib: 10, afterEvents: 0 });
    open.text = "";
    write(1);
    await expect.poll(() => open.text.length, { timeout: 10_000 }).toBeGreaterThan(10 * 1_048_576);
    expect([open.lines.length, open.ended]).toEqual([1, undefined]);
    await simulator.faults.remove("hub");
    await expect.poll(() => open.ended?.error).toBe("ECONNRESET");
  });

  it("without the end of its initial events", async () => {
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const whole = new Watch(query);
    await expect.poll(() => whole.text).toContain("initial-events-end");
    await break_("watchstall", { variant: "noInitialEnd" });
    const watch = new Watch(query);
    await expect.poll(() => watch.lines.length).toBe(whole.lines.length - 1);
    const [next] = write(1);
    await expect.poll(() => watch.names.at(-1)).toBe(next);
    expect(watch.text).not.toContain("initial-events-end");
  });

  it("with objects of another shape", async () => {
    const open = await watchFromNow();
    await break_("garbage", { variant: "versionText", watch: true });
    write(1);
    await expect.poll(() => open.text).toMatch(/"resourceVersion":"v\d+-a"/);
  });
});

describe("compaction", () => {
  const list = (query: string) => askHttp1(hub, `/api/v1/namespaces/default/configmaps?${query}`);

  it("what asks for a version from before it is told 410, and what begins anew is served", async () => {
    write(3);
    const old = await version();
    const page = JSON.parse((await list("limit=1")).bytes.toString()) as { metadata: { continue: string } };
    write(1);
    const now = await version();
    await break_("watch410", { variant: "compaction" });
    const tooOld = new Watch(`resourceVersion=${old}`);
    await expect.poll(() => tooOld.ended?.status).toBe(200);
    expect(JSON.parse(tooOld.lines[0] as string)).toMatchObject({
      type: "ERROR",
      object: { code: 410, reason: "Expired" },
    });
    const next = await list(`limit=1&continue=${encodeURIComponent(page.metadata.continue)}`);
    expect([next.status, JSON.parse(next.bytes.toString()).reason]).toEqual([410, "Expired"]);
    expect((await list(`resourceVersion=${old}&resourceVersionMatch=Exact`)).status).toBe(410);
    expect((await list("")).status).toBe(200);
    const fresh = new Watch(`resourceVersion=${now}`);
    const [name] = write(1);
    await expect.poll(() => fresh.names).toEqual([name]);
  });
});
