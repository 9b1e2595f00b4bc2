// What waits for an actor: two bounded lanes, and one slot for the message that finds the actor idle, which is most of them.
// Guarantees: the order of each sender within a lane; the system lane is drained first; a full lane refuses the newest
// message; messages of one key share one slot of their lane.
import type { Blueprint } from "./definition.ts";
import { Lane } from "./lane.ts";
import type { DeadLetterReason, TellOutcome } from "./types.ts";

/** Stands for no message: undefined might be one. */
export const nothing = Symbol("nothing");

/** A cell is a mailbox rather than having one: a message then touches one object less. */
export abstract class Mailbox<M> {
  /** The actor runs and nothing waits: the next message has to put it into the run queue. */
  protected idle = false;
  /** The message that found the actor idle. It moves to its lane when a second one comes: the lanes are empty until then. */
  protected first: M | typeof nothing = nothing;
  user: Lane<M> | undefined;
  system: Lane<M> | undefined;
  readonly blueprint: Blueprint<M>;

  constructor(blueprint: Blueprint<M>) {
    this.blueprint = blueprint;
  }

  tell(message: M): TellOutcome {
    if (!this.idle) return this.#enqueue(message);
    this.first = message;
    this.getReady();
    return "accepted";
  }

  /** Puts a message of the runtime's own (the end of a run, of a watched actor) in the system lane, whatever waits there. */
  deliver(message: M): void {
    this.#moveFirst();
    this.#systemLane().push(message);
    if (this.idle) this.getReady();
  }

  get waiting(): number {
    return (this.first === nothing ? 0 : 1) + (this.user?.size ?? 0) + (this.system?.size ?? 0);
  }

  /** Waiting messages by lane. */
  get depth(): { readonly user: number; readonly system: number } {
    const first = this.first === nothing ? undefined : this.blueprint.laneOf(this.first);
    return {
      user: (this.user?.size ?? 0) + (first === "user" ? 1 : 0),
      system: (this.system?.size ?? 0) + (first === "system" ? 1 : 0),
    };
  }

  #enqueue(message: M): TellOutcome {
    if (this.isClosed()) {
      this.deadLetter("stopped", message);
      return "dead";
    }
    this.#moveFirst();
    const lane = this.laneFor(message);
    const key = this.blueprint.keyOf(message);
    const replaced = key === undefined ? undefined : lane.coalesce(key, message);
    if (replaced !== undefined) {
      this.superseded(replaced.former);
      return "coalesced";
    }
    if (lane.isFull) {
      lane.overflowed++;
      this.deadLetter("overflow", message);
      return "overflow";
    }
    lane.add(message, key);
    return "accepted";
  }

  #moveFirst(): void {
    if (this.first === nothing) return;
    const message = this.first;
    this.first = nothing;
    this.laneFor(message).add(message, this.blueprint.keyOf(message));
  }

  /** The lane with the next message, if any waits. */
  protected nextLane(): Lane<M> | undefined {
    if (this.first !== nothing) this.#moveFirst();
    if (this.system !== undefined && this.system.size > 0) return this.system;
    return this.user !== undefined && this.user.size > 0 ? this.user : undefined;
  }

  /** Takes the oldest message of a lane that has one. */
  protected takeFrom(lane: Lane<M>): M {
    const sequence = lane.headSequence;
    const message = lane.shift() as M;
    if (this.blueprint.hasKeys) lane.releaseKey(this.blueprint.keyOf(message), sequence);
    return message;
  }

  protected laneFor(message: M): Lane<M> {
    if (this.blueprint.laneOf(message) === "system") return this.#systemLane();
    this.user ??= new Lane(this.blueprint.userCapacity);
    return this.user;
  }

  #systemLane(): Lane<M> {
    this.system ??= new Lane(this.blueprint.systemCapacity);
    return this.system;
  }

  /** Nothing will be handled any more. */
  protected abstract isClosed(): boolean;
  /** Ends idleness. */
  protected abstract getReady(): void;
  protected abstract deadLetter(reason: DeadLetterReason, message: M): void;
  /** A newer message of the same key took this one's place. */
  protected abstract superseded(message: M): void;
}
