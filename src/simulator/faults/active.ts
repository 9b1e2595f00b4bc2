// One fault that is switched on: whether it is its time, whom it meets, and how often it did. What is decided of a request is decided
// once, however often it is asked: the request and its answer meet the same.
import type { Cancel, Clock } from "../../support/clock.ts";
import { hash32, seededRandom } from "../../support/random.ts";
import type { Origin } from "../http/listeners.ts";
import { valuesOf } from "./bounds.ts";
import type {
  BodyFault,
  FaultBehaviour,
  FaultContext,
  Heal,
  RequestVerdict,
  Transition,
  WatchEditor,
} from "./effects.ts";
import type { RequestFacts } from "./facts.ts";
import type { FaultKind } from "./kinds/kind.ts";
import { faultKinds } from "./kinds.ts";
import { parametersOf } from "./parameters.ts";
import type { FaultRule } from "./rule.ts";
import { isSampled, matcherOf, type RequestTraffic, Sampler } from "./traffic.ts";

export interface FaultSurroundings {
  readonly origin: Origin;
  readonly clock: Clock;
  /** The newest resourceVersion of the server. */
  revision(): number;
}

export class ActiveFault {
  readonly rule: FaultRule;
  readonly #around: FaultSurroundings;
  readonly #behaviour: FaultBehaviour;
  readonly #isMeant: (facts: RequestFacts) => boolean;
  readonly #sampler: Sampler;
  readonly #beginsMs: number;
  readonly #endsMs: number;
  readonly #decisions = new WeakMap<RequestFacts, boolean>();
  readonly #editors = new WeakMap<RequestFacts, WatchEditor>();
  /** Says in answers who spoilt them. */
  readonly #marks: boolean;
  #isOn = false;
  #fired = 0;
  #heal: Heal | undefined;
  #cancel: Cancel = () => {};
  #turning: Promise<void> = Promise.resolve();

  constructor(rule: FaultRule, around: FaultSurroundings) {
    this.rule = rule;
    this.#around = around;
    const { clock } = around;
    const kind = faultKinds[rule.fault] as FaultKind;
    const values = valuesOf(parametersOf(rule.fault), rule.parameters);
    // A parameter that the traffic of this fault does not have is undefined or means everything.
    const traffic = { probability: 1, everyNth: 1, ...values } as unknown as RequestTraffic;
    const name = `${rule.cluster}/${rule.fault}`;
    this.#isMeant = matcherOf(traffic);
    this.#sampler = new Sampler(traffic, name);
    this.#marks = traffic.header === true;
    this.#beginsMs = clock.monotonicMs() + traffic.startMs;
    this.#endsMs = this.#beginsMs + (traffic.durationMs ?? Number.POSITIVE_INFINITY);
    const context: FaultContext = {
      clock,
      random: seededRandom(hash32(`${traffic.seed}/${name}/values`)),
      meets: (facts) => this.#meets(facts),
      meetsConnection: () => this.#sample(),
      fired: () => this.#fired++,
      isSampled: isSampled(traffic),
      beginsMs: this.#beginsMs,
      endsMs: this.#endsMs,
      revision: () => around.revision(),
    };
    this.#behaviour = kind.behave(values, context);
  }

  /** How many requests, connections or outages it met. */
  get fired(): number {
    return this.#fired;
  }

  /** Within its time. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Begins, now or when its time comes. */
  async switchOn(): Promise<void> {
    const waitMs = this.#beginsMs - this.#around.clock.monotonicMs();
    if (waitMs > 0) this.#cancel = this.#around.clock.setTimer(() => this.#turn(() => this.#begin()), waitMs);
    else {
      const begun = this.#begin();
      this.#turn(() => begun);
      await begun;
    }
  }

  /** For good; the server serves again when this resolves. */
  async switchOff(): Promise<void> {
    this.#cancel();
    await this.#turning;
    this.#cancel();
    await this.#end();
  }

  /** Stage B. */
  verdict(facts: RequestFacts): RequestVerdict | undefined {
    return this.#isOn && this.#meets(facts) ? this.#behaviour.request?.(facts) : undefined;
  }

  /** Stage C, as of now. */
  body(facts: RequestFacts): BodyFault | undefined {
    return this.#isOn && this.#behaviour.body !== undefined && this.#meets(facts)
      ? this.#behaviour.body(facts)
      : undefined;
  }

  /** Stage C of a watch, as of now: the same editor each time. */
  editor(facts: RequestFacts): WatchEditor | undefined {
    if (!this.#isOn || this.#behaviour.watch === undefined || !this.#meets(facts)) return undefined;
    let editor = this.#editors.get(facts);
    if (editor === undefined) {
      editor = this.#behaviour.watch(facts);
      this.#editors.set(facts, editor);
    }
    return editor;
  }

  /** Whether the request is met, and must be answered in JSON for it to show. */
  wantsJson(facts: RequestFacts): boolean {
    return this.#isOn && this.#behaviour.jsonOnly === true && this.#meets(facts);
  }

  /** What the answer says of the fault; undefined: nothing. */
  mark(facts: RequestFacts): string | undefined {
    return this.#marks && this.#isOn && this.#meets(facts) ? this.rule.fault : undefined;
  }

  transitions(nowMs: number, count: number): readonly Transition[] {
    return this.#behaviour.transitions?.(nowMs, count) ?? [];
  }

  #meets(facts: RequestFacts): boolean {
    const { request, body, watch } = this.#behaviour;
    if (request === undefined && body === undefined && watch === undefined) return false;
    let met = this.#decisions.get(facts);
    if (met === undefined) {
      met = this.#isMeant(facts) && (this.#behaviour.concerns?.(facts) ?? true) && this.#sample();
      this.#decisions.set(facts, met);
    }
    return met;
  }

  #sample(): boolean {
    const met = this.#sampler.next();
    if (met) this.#fired++;
    return met;
  }

  /** One change at a time: a listener must not be left half open. */
  #turn(change: () => Promise<void>): void {
    // A listener whose port was lost stays down; switching the fault off tries once more, and says so.
    this.#turning = this.#turning.then(change).catch(() => {});
  }

  async #begin(): Promise<void> {
    const { origin, clock } = this.#around;
    this.#isOn = true;
    const leftMs = this.#endsMs - clock.monotonicMs();
    if (leftMs < Number.POSITIVE_INFINITY) {
      this.#cancel = clock.setTimer(() => this.#turn(() => this.#end()), leftMs);
    }
    this.#heal = await this.#behaviour.start?.(origin);
    for (const watch of origin.watches) watch.faultBegan();
  }

  async #end(): Promise<void> {
    this.#isOn = false;
    const heal = this.#heal;
    this.#heal = undefined;
    await heal?.();
  }
}
