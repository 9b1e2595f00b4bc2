// The compiled MetricSources that every cluster collects, in one place. Guarantees: one entry for each source, the newest; what is held
// against a source outlives restarts of actors and ends with a change of its definition. Whoever listens is told that something changed, not what.
import type { CompiledSource } from "../../src/metric-source/compiled.ts";
import type { PlannedSource } from "../../src/metric-source/plan.ts";
import { laneOf } from "../../src/metric-source/protobuf-lane.ts";
import { afterFailure, afterSuccess, type Quarantine, trusted } from "../../src/metric-source/quarantine.ts";
import type { ClusterOutcome } from "../../src/metric-source/status.ts";
import type { ActorRef } from "../system/index.ts";

/** What a cluster tells the actor of a source. */
export type SourceNews =
  | {
      readonly type: "collected";
      /** Of the definition that was collected. */
      readonly revision: string;
      readonly outcome: ClusterOutcome;
      /** Groups of the largest aggregate once they near their limit; one more than the limit stands for all beyond it. */
      readonly groups: number;
    }
  | { readonly type: "unreachable" | "cluster-left"; readonly cluster: string };

export interface PostedSource extends PlannedSource {
  readonly compiled: CompiledSource;
  readonly isProtobuf: boolean;
  readonly actor: ActorRef<SourceNews>;
}

export class SourceBoard {
  readonly #posted = new Map<string, PostedSource>();
  readonly #quarantines = new Map<string, Quarantine>();
  /** A run in which they took part was stopped, and none of theirs has ended well since. */
  readonly #suspected = new Set<string>();
  readonly #listeners: (() => void)[] = [];

  /** Calls `listener` after every change, for good. It must not throw. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Takes the place of the source's former definition, if that differs; `actor` is told from now on. */
  post(compiled: CompiledSource, actor: ActorRef<SourceNews>): void {
    const { definition, hash } = compiled;
    const key = `${definition.namespace}/${definition.name}`;
    const former = this.#posted.get(key);
    if (former?.revision === hash && former.actor === actor) return;
    const { collection, source } = definition;
    const isProtobuf = laneOf(compiled).lane === "protobuf";
    this.#posted.set(key, { ...source, key, revision: hash, collection, compiled, isProtobuf, actor });
    // The same definition from another actor: its supervisor was started anew, and nothing else has changed.
    if (former?.revision === hash) return;
    this.#quarantines.delete(key);
    this.#suspected.delete(key);
    this.#changed();
  }

  remove(key: string): void {
    this.#quarantines.delete(key);
    this.#suspected.delete(key);
    if (this.#posted.delete(key)) this.#changed();
  }

  sources(): Iterable<PostedSource> {
    return this.#posted.values();
  }

  /** Whether this definition is still the one to be collected. */
  holds({ key, revision }: Pick<PostedSource, "key" | "revision">): boolean {
    return this.#posted.get(key)?.revision === revision;
  }

  quarantine(key: string): Quarantine {
    return this.#quarantines.get(key) ?? trusted;
  }

  /** A run of theirs was stopped; which of them is to blame is not known yet. */
  suspect(keys: Iterable<string>): void {
    for (const key of keys) if (this.#posted.has(key)) this.#suspected.add(key);
  }

  isSuspected(key: string): boolean {
    return this.#suspected.has(key);
  }

  /**
   * A run of this source alone ended with `code`, or well.
   * @param nowMs monotonic
   * @returns whether it is in quarantine from now on, and was not just before
   */
  ended(key: string, code: string | null, nowMs: number): boolean {
    if (code === null) this.#suspected.delete(key);
    const before = this.quarantine(key);
    const after = code === null ? afterSuccess() : afterFailure(before, code, nowMs);
    if (after !== before) this.#quarantines.set(key, after);
    return after.untilMs > nowMs && after !== before;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
