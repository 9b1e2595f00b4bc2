// The example of docs/reconcile.md: the text there is the code here, which is compiled with the rest and run below.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { siteConductor } from "./example.ts";

const site = (host: string) => ({ metadata: { name: "shop", generation: 1 }, spec: { host } });

function world(given: { certificate?: "none"; notify?: "fails" } = {}) {
  const clock = new VirtualClock();
  const published: string[] = [];
  const patches: object[] = [];
  const conductor = siteConductor(
    {
      certificateFor: async () =>
        given.certificate === "none" ? null : { pem: "pem", expiresAtMs: clock.nowMs() + 3 * 86_400_000 },
      publish: async (host, { pem }) => void published.push(`${host} ${pem}`),
      notify: async () => {
        if (given.notify === "fails") throw new ClusterPulseError("MAIL_REFUSED", "the mail server refused");
      },
      patchStatus: async (_name, status) => void patches.push(status),
    },
    clock,
  );
  return { conductor, published, patches };
}

test("the guide shows this code", () => {
  const guide = readFileSync(new URL("../../../docs/reconcile.md", import.meta.url), "utf8");
  const code = readFileSync(new URL("./example.ts", import.meta.url), "utf8");
  expect(/```ts\n(.*?)```/s.exec(guide)?.[1]).toBe(code);
});

test("a pass that works publishes and comes back to renew", async () => {
  const { conductor, published, patches } = world();
  expect(await conductor.conduct(site("a.example"))).toMatchObject({
    verdict: "done",
    requeue: { step: "certificate", afterMs: 2 * 86_400_000 },
  });
  expect(published).toEqual(["a.example pem"]);
  expect(patches).toHaveLength(1);
});

test("without a certificate nothing is published, and the status says why", async () => {
  const { conductor, published, patches } = world({ certificate: "none" });
  expect(await conductor.conduct(site("a.example"))).toMatchObject({ verdict: "done", requeue: { afterMs: 10_000 } });
  expect(published).toEqual([]);
  expect(patches).toMatchObject([
    {
      conditions: [
        { type: "CertificateReady", status: "False", reason: "Waiting" },
        { type: "Ready", status: "False", message: "certificate: the authority is still issuing it" },
        { type: "Degraded", status: "False" },
      ],
    },
  ]);
});

test("an optional step that fails degrades and is tried again; a spec that cannot work is not", async () => {
  const failing = world({ notify: "fails" });
  expect(await failing.conductor.conduct(site("a.example"))).toMatchObject({
    verdict: "retry",
    failures: [{ step: "notify", optional: true, code: "MAIL_REFUSED" }],
  });
  expect(failing.published).toHaveLength(1);
  const { conductor } = world();
  expect(await conductor.conduct(site(""))).toMatchObject({
    verdict: "terminal",
    requeue: null,
    failures: [{ code: "HOST_MISSING" }],
  });
});
