// The eyes of a load run on its parts: outcomes as they come, and a look at simulator and hub now and then. It holds what was seen; when to
// look, and what it means, is run.ts.
import { ClusterPulseError } from "../support/errors.ts";
import { LatenessLedger } from "./lateness.ts";
import type { HubCost, ProcessCost } from "./observe.ts";
import type { LoadSubject } from "./subject.ts";
import { Recoveries } from "./timeline.ts";

/** Looks at the simulator or the hub that may fail in a row: a loaded machine answers late, one that is gone never. */
const maxSilentLooks = 3;

export class FleetWatch {
  readonly ledger: LatenessLedger;
  /** Healthy clusters without a good outcome so far. */
  readonly unseen: Set<string>;
  /** From the start until there were none; null: there are. */
  firstFullViewMs: number | null = null;
  /** The most connections of each cluster, for who clears it. */
  readonly mostSockets = new Map<string, number>();
  /** Of the scenario that is played. */
  recoveries = new Recoveries([], new Set(), 0);
  readonly #subject: LoadSubject;
  #notedFromMs = Number.POSITIVE_INFINITY;
  #silentLooks = 0;

  /** Hears outcomes from now on. */
  constructor(subject: LoadSubject, healthy: readonly string[], intervalMs: number, startedAtMs: number) {
    this.#subject = subject;
    this.ledger = new LatenessLedger(intervalMs);
    this.unseen = new Set(healthy);
    subject.outcomes.listener = (cluster, atMs, good) => {
      if (atMs >= this.#notedFromMs) this.ledger.written(cluster, atMs);
      if (!good) return;
      this.recoveries.good(cluster, atMs);
      if (this.unseen.delete(cluster) && this.unseen.size === 0) this.firstFullViewMs = atMs - startedAtMs;
    };
  }

  /** The ledger gets what is seen from then on. Until it is called it gets nothing: first cycles follow no interval. */
  noteFrom(atMs: number): void {
    this.#notedFromMs = atMs;
  }

  /** Looks at the simulator. Rejects when it was silent too often in a row. */
  async look(): Promise<void> {
    try {
      for (const { cluster, atMs } of await this.#subject.polls())
        if (atMs >= this.#notedFromMs) this.ledger.asked(cluster, atMs);
      for (const { cluster, sockets } of await this.#subject.connections())
        this.mostSockets.set(cluster, Math.max(sockets, this.mostSockets.get(cluster) ?? 0));
      this.#silentLooks = 0;
    } catch (error) {
      if (++this.#silentLooks > maxSilentLooks) throw error;
    }
  }

  /** Rejects with HUB_SILENT. */
  async hubCost(): Promise<HubCost> {
    for (let looks = 0; looks <= maxSilentLooks; looks++) {
      const found = await this.#subject.hubCost();
      if (found !== undefined) return found;
    }
    throw new ClusterPulseError("HUB_SILENT", "the hub's metrics did not answer");
  }

  async costs(): Promise<{ readonly hub: HubCost; readonly simulator: ProcessCost }> {
    return { hub: await this.hubCost(), simulator: await this.#subject.simulatorCost() };
  }
}
