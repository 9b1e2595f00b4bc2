// States of a simulator under names, to be put back later. They are kept in the process and are gone with it.
// Guarantees: taking one is a moment, putting one back is all or nothing, and what is kept is bounded.
import { ClusterPulseError, InvalidInputError } from "../support/errors.ts";
import { isLabel, labelRule } from "./labels.ts";

/** What is kept. */
export interface KeptState {
  /** Objects and changes in it. */
  readonly objects: number;
}

export interface SnapshotOutline {
  readonly name: string;
  readonly objects: number;
}

export interface SnapshotSource<S extends KeptState> {
  capture(): S;
  /** All or nothing. */
  restore(state: S): Promise<void>;
}

export const maxSnapshots = 8;
/** Of all snapshots together. */
export const maxKeptObjects = 100_000;

export class Snapshots<S extends KeptState> {
  readonly #source: SnapshotSource<S>;
  readonly #maxObjects: number;
  readonly #kept = new Map<string, S>();
  #restoring: Promise<void> = Promise.resolve();

  constructor(source: SnapshotSource<S>, maxObjects = maxKeptObjects) {
    this.#source = source;
    this.#maxObjects = maxObjects;
  }

  /** Keeps the state of this moment, in place of one of that name. Throws InvalidInputError, and SNAPSHOT_TOO_LARGE where it is too much. */
  take(name: string): SnapshotOutline {
    checkName(name);
    const others = [...this.#kept].filter(([kept]) => kept !== name);
    if (others.length >= maxSnapshots) {
      throw tooLarge(`${maxSnapshots} snapshots are kept, as many as may be; take this one under a name that is there`);
    }
    const state = this.#source.capture();
    const objects = others.reduce((sum, [, kept]) => sum + kept.objects, state.objects);
    if (objects > this.#maxObjects) {
      throw tooLarge(`all snapshots together would hold ${objects} objects, and may hold ${this.#maxObjects}`);
    }
    this.#kept.set(name, state);
    return { name, objects: state.objects };
  }

  list(): readonly SnapshotOutline[] {
    return [...this.#kept].map(([name, { objects }]) => ({ name, objects }));
  }

  /** One after the other where several ask. Rejects with SNAPSHOT_UNKNOWN; then, and when it fails, nothing has changed. */
  restore(name: string): Promise<void> {
    const done = this.#restoring.then(async () => {
      const state = this.#kept.get(name);
      if (state === undefined) throw unknownSnapshot(name);
      await this.#source.restore(state);
    });
    this.#restoring = done.catch(() => undefined);
    return done;
  }
}

function checkName(name: string): void {
  if (!isLabel(name)) throw new InvalidInputError([`name: ${labelRule}`]);
}

export const unknownSnapshot = (name: string): ClusterPulseError =>
  new ClusterPulseError("SNAPSHOT_UNKNOWN", `no snapshot is called ${JSON.stringify(name.slice(0, 100))}`);

const tooLarge = (message: string): ClusterPulseError => new ClusterPulseError("SNAPSHOT_TOO_LARGE", message);
