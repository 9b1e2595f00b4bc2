// What differs in a generated cluster from what the seed made: per object one small number that says all about it, and a bounded history
// of such numbers, so that earlier states can be shown again. No texts and no objects: a cluster of which much changed holds some KB.
// It knows no rule of what may become what.
import type { RevisionCounter } from "../hub/store.ts";

export const churnedKinds = ["pods", "nodes", "deployments", "persistentvolumeclaims", "namespaces"] as const;
export type ChurnedKind = (typeof churnedKinds)[number];

/** The kind as the API names its resource. */
export const resourceOf = (kind: ChurnedKind): { readonly group: string; readonly resource: string } => ({
  group: kind === "deployments" ? "apps" : "",
  resource: kind,
});

/** The state of an object that is no longer as the seed made it. */
export interface Variant {
  /** What the object is like, packed; see `podCodes` and the like. */
  readonly code: number;
  readonly revision: number;
  /** When it came to be, or, of a node, to its present condition. Seconds since the epoch. */
  readonly sinceSeconds: number;
  /** When it changed last, a node's heartbeats included. Seconds since the epoch. */
  readonly atSeconds: number;
}

/** Undefined: as the seed made it. */
export type VariantLookup = (kind: ChurnedKind, index: number) => Variant | undefined;

export interface Change {
  readonly kind: ChurnedKind;
  readonly index: number;
  readonly before: Variant | undefined;
  readonly after: Variant;
}

/** All that differs, without its history. */
export interface VariantsState {
  readonly revision: number;
  readonly patches: number;
  readonly current: readonly (readonly [slot: number, variant: Variant])[];
}

/** Changes that can be undone, at most. */
export const maxHistory = 256;
/** Slot; revision, seconds, seconds and code in two halves, of before and after. */
const recordLength = 11;
const half = 2 ** 32;

const slotOf = (kind: ChurnedKind, index: number): number => index * churnedKinds.length + churnedKinds.indexOf(kind);
const placeOf = (slot: number) => ({
  kind: churnedKinds[slot % churnedKinds.length] as ChurnedKind,
  index: Math.floor(slot / churnedKinds.length),
});

export class Variants {
  /** The one counter of the cluster's resource versions. */
  readonly revisions: RevisionCounter;
  /** Patch releases that the control plane is ahead of the seed. */
  patches = 0;
  readonly #current = new Map<number, Variant>();
  /** A ring of records, which grows up to `maxHistory`. */
  #records = new Uint32Array(8 * recordLength);
  /** Changes that there ever were; the newest ones are in the ring. */
  #count = 0;
  #forgottenRevision: number;

  constructor(revision: number) {
    this.revisions = { value: revision };
    this.#forgottenRevision = revision;
  }

  readonly of: VariantLookup = (kind, index) => this.#current.get(slotOf(kind, index));

  state(): VariantsState {
    return { revision: this.revisions.value, patches: this.patches, current: [...this.#current] };
  }

  /** Takes a former state over, under revisions of its own; nobody can resume from before. */
  restore({ patches, current }: VariantsState): void {
    this.patches = patches;
    for (const [slot, variant] of current) this.#current.set(slot, { ...variant, revision: ++this.revisions.value });
    this.#forgottenRevision = this.revisions.value;
  }

  /** Gives the object a new state under the next revision. */
  set(kind: ChurnedKind, index: number, state: Omit<Variant, "revision">): Change {
    const slot = slotOf(kind, index);
    const before = this.#current.get(slot);
    const after = { ...state, revision: ++this.revisions.value };
    this.#current.set(slot, after);
    this.#record(slot, before, after);
    return { kind, index, before, after };
  }

  /** Changes after `revision`, oldest first; undefined when the history no longer reaches back that far. */
  changesAfter(revision: number): readonly Change[] | undefined {
    if (revision < this.#forgottenRevision) return undefined;
    const changes: Change[] = [];
    for (let i = this.#count - 1; i >= Math.max(0, this.#count - this.#capacity); i--) {
      const change = this.#read(i % this.#capacity);
      if (change.after.revision <= revision) break;
      changes.push(change);
    }
    return changes.reverse();
  }

  /** The newest revision that the history has forgotten. */
  get forgottenRevision(): number {
    return this.#forgottenRevision;
  }

  /** The states at a revision; undefined when the history does not reach back that far. */
  at(revision: number): VariantLookup | undefined {
    const since = this.changesAfter(revision);
    if (since === undefined) return undefined;
    if (since.length === 0) return this.of;
    const undone = new Map<number, Variant | undefined>();
    for (const { kind, index, before } of since.toReversed()) undone.set(slotOf(kind, index), before);
    return (kind, index) => {
      const slot = slotOf(kind, index);
      return undone.has(slot) ? undone.get(slot) : this.#current.get(slot);
    };
  }

  get #capacity(): number {
    return this.#records.length / recordLength;
  }

  #record(slot: number, before: Variant | undefined, after: Variant): void {
    if (this.#count >= this.#capacity && this.#capacity < maxHistory) {
      const grown = new Uint32Array(this.#records.length * 2);
      grown.set(this.#records);
      this.#records = grown;
    }
    const at = this.#count % this.#capacity;
    if (this.#count >= this.#capacity) this.#forgottenRevision = this.#read(at).after.revision;
    const wide = ({ revision, sinceSeconds, atSeconds, code }: Variant) =>
      [revision, sinceSeconds, atSeconds, Math.floor(code / half), code % half] as const;
    this.#records.set(
      [slot, ...(before === undefined ? [0, 0, 0, 0, 0] : wide(before)), ...wide(after)],
      at * recordLength,
    );
    this.#count++;
  }

  #read(at: number): Change {
    const variant = (from: number): Variant | undefined => {
      const [revision = 0, sinceSeconds = 0, atSeconds = 0, high = 0, low = 0] = this.#records.subarray(from, from + 5);
      return revision === 0 ? undefined : { revision, sinceSeconds, atSeconds, code: high * half + low };
    };
    const first = at * recordLength;
    const place = placeOf(this.#records[first] as number);
    return { ...place, before: variant(first + 1), after: variant(first + 6) as Variant };
  }
}

/** Numbers of so many bits each, in one. What is too large for its place begins again from 0. */
function packedCodes<const Fields extends Readonly<Record<string, number>>>(fields: Fields) {
  type Values = { readonly [Name in keyof Fields]: number };
  const places = Object.entries(fields);
  return {
    pack: (values: Values): number =>
      places.reduceRight((code, [name, bits]) => code * 2 ** bits + ((values[name] as number) % 2 ** bits), 0),
    unpack(code: number): Values {
      let left = code;
      const values: Record<string, number> = {};
      for (const [name, bits] of places) {
        values[name] = left % 2 ** bits;
        left = Math.floor(left / 2 ** bits);
      }
      return values as Values;
    },
  };
}

/** `revision`: of its Deployment's template. `life`: how often there was another pod in this place. */
export const podCodes = packedCodes({ state: 2, restarts: 10, revision: 15, life: 16 });
export const podStates = ["gone", "creating", "running", "crashed"] as const;
/** `ready` and `cordon` begin with 0: as the seed made it. `patches`: releases that its kubelet is ahead of the seed. */
export const nodeCodes = packedCodes({ ready: 2, cordon: 2, patches: 10 });
export const nodeReadiness = ["", "True", "False", "Unknown"] as const;
/** Counts of pods as its status shows them; `scaledIn`: replicas that it wants less than the seed. */
export const deploymentCodes = packedCodes({
  ready: 5,
  existing: 5,
  updated: 5,
  scaledIn: 5,
  revision: 15,
  scalings: 15,
});
export const claimCodes = packedCodes({ state: 2, life: 16 });
export const claimStates = ["gone", "pending", "bound"] as const;
export const namespaceCodes = packedCodes({ state: 2, life: 16 });
export const namespaceStates = ["gone", "active", "terminating"] as const;
/** Namespaces beyond those of the seed, at most at once. */
export const maxExtraNamespaces = 8;
