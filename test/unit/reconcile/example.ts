import { Conductor, type Parent, requeue, slot, TerminalError, wait } from "../../../src/reconcile/index.ts";
import type { Clock } from "../../../src/support/clock.ts";

interface Site extends Parent {
  readonly spec: { readonly host: string };
}

interface Certificate {
  readonly pem: string;
  readonly expiresAtMs: number;
}

/** What the steps need of the world. */
interface World {
  certificateFor(host: string, signal: AbortSignal): Promise<Certificate | null>;
  publish(host: string, certificate: Certificate, signal: AbortSignal): Promise<void>;
  notify(text: string): Promise<void>;
  patchStatus(name: string, status: object): Promise<void>;
}

const certificate = slot<Certificate>("certificate");
const dayMs = 86_400_000;

export function siteConductor(world: World, clock: Clock): Conductor<Site> {
  return Conductor.create<Site>({
    clock,
    stepDeadlineMs: 5_000,
    // Once in every pass, however it ends: nothing that a step found is lost.
    flush: ({ parent, conditions }) => world.patchStatus(parent.metadata.name, { conditions }),
  })
    .register({
      name: "check",
      reconcile({ parent }) {
        // For good: trying the same spec again would change nothing.
        if (parent.spec.host === "") throw new TerminalError("HOST_MISSING", "spec.host must be set");
      },
    })
    .register({
      name: "certificate",
      condition: "CertificateReady",
      async reconcile(pass) {
        const found = await world.certificateFor(pass.parent.spec.host, pass.signal);
        // A gate: without a certificate there is nothing to publish.
        if (found === null) return wait("the authority is still issuing it", 10_000);
        pass.bind(certificate, found);
        // Not a gate: come back in time to renew it, and go on.
        return requeue("renew it", found.expiresAtMs - dayMs - pass.clock.nowMs());
      },
    })
    .register({
      name: "publish",
      condition: "Published",
      deadlineMs: 30_000,
      reconcile: (pass) => world.publish(pass.parent.spec.host, pass.get(certificate), pass.signal),
    })
    .register({
      name: "notify",
      // The site works without it: its failure is said in Degraded, and the pass goes on.
      optional: true,
      reconcile: ({ parent }) => world.notify(`${parent.spec.host} is published`),
    });
}
