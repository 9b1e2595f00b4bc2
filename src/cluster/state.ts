// What a cluster's actor remembers from one collection to the next: what the server does not have, what the credentials may not read,
// and when the parts that are asked for rarely are due. Small, and never written anywhere. One state belongs to one cluster and one
// set of credentials; a new one makes the next collection ask for everything.
import type { Failure, Part } from "./failure.ts";
import { Paging } from "./paging.ts";
import type { VersionInfo } from "./ports.ts";

/** How the newest attempt at a part ended. Times are monotonic milliseconds; until then the part is not asked for again. */
export type Remembered =
  /** `lacking` is what could not be read beside what was found. */
  | { readonly kind: "found"; readonly untilMs: number; readonly lacking: readonly Failure[] }
  /** The server does not have it. */
  | { readonly kind: "absent"; readonly untilMs: number }
  /** The credentials may not read it. */
  | { readonly kind: "forbidden"; readonly untilMs: number; readonly failure: Failure };

export interface Memory {
  /** What the server said it is; undefined: it is to be asked. */
  version: { readonly info: VersionInfo; readonly untilMs: number } | undefined;
  /** The server's API groups; null: it does not tell. Undefined: not known yet. */
  groups: { readonly names: ReadonlySet<string> | null; readonly untilMs: number } | undefined;
  readonly parts: Map<Part, Remembered>;
  /** Whether the cluster has told that it is OpenShift. */
  isOpenShift: boolean;
  consoleUrl: string | null;
  /** The ClusterOperators of the newest list, to tell which are gone. */
  clusterOperators: readonly string[];
}

/** The memory as the last collection left it. A collection works on a copy and keeps it only when it succeeds. */
export class CollectState {
  /** A collection that fails has something to say of this, too. */
  readonly paging = new Paging();
  #memory: Memory = {
    version: undefined,
    groups: undefined,
    parts: new Map(),
    isOpenShift: false,
    consoleUrl: null,
    clusterOperators: [],
  };

  /** The memory for a collection. Unless that one succeeds, the next asks for the version again: the cheap request, and a probe. */
  begin(): Memory {
    const memory = { ...this.#memory, parts: new Map(this.#memory.parts) };
    this.#memory.version = undefined;
    return memory;
  }

  keep(memory: Memory): void {
    this.#memory = memory;
  }
}
