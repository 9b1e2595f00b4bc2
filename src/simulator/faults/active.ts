// One rule that is switched on: whether it is its time, whom it meets, and how often it did. What is decided of a request is decided
// once, however often it is asked: the request and its answer meet the same. Which rule comes before it is for server-faults.ts to say.
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
import { type FlapSchedule, flapTransitions } from "./flap.ts";
import type { FaultKind } from "./kinds/kind.ts";
import { faultKinds } from "./kinds.ts";
import { parametersOf } from "./parameters.ts";
import { type FaultRule, idOf } from "./rule.ts";
import { isSampled, matcherOf, type RequestTraffic, Sampler } from "./traffic.ts";

export interface FaultSurroundings {
  readonly origin: Origin;
  readonly clock: Clock;
  /** The newest resourceVersion of the server. */
  revision(): number;
  /** The rule that holds for a request. */
  ruleFor(facts: RequestFacts): ActiveFault | undefined;
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
  /** Undefined: it is on all its time. */
  readonly #onOff: FlapSchedule | undefined;
  #isOn = false;
  #isRemoved = false;
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
    const name = `${rule.cluster}/${this.id}`;
    this.#isMeant = matcherOf(traffic);
    this.#sampler = new Sampler(traffic, name);
    this.#marks = traffic.header === true;
    this.#beginsMs = clock.monotonicMs() + traffic.startMs;
    this.#endsMs = this.#beginsMs + (traffic.durationMs ?? Number.POSITIVE_INFINITY);
    const { onMs, offMs = onMs, onOffJitter: jitter, seed } = traffic;
    if (onMs !== undefined) {
      this.#onOff = { downMs: onMs, upMs: offMs ?? onMs, jitter, salt: hash32(`${seed}/${name}/turns`) };
    }
    const context: FaultContext = {
      clock,
      random: seededRandom(hash32(`${traffic.seed}/${name}/values`)),
      meets: (facts) => this.#decisions.get(facts) ?? around.ruleFor(facts) === this,
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

  get id(): string {
    return idOf(this.rule);
  }

  /** Begins, now or when its time comes. */
  async switchOn(): Promise<void> {
    const followed = this.#follow();
    this.#turn(() => followed);
    await followed;
  }

  /** For good; the server serves again when this resolves. */
  async switchOff(): Promise<void> {
    this.#isRemoved = true;
    this.#cancel();
    await this.#turning;
    this.#cancel();
    await this.#end();
  }

  /** Whether it holds for the request, unless a rule before it does. Counts it. */
  takes(facts: RequestFacts): boolean {
    return this.#isOn && this.#meets(facts);
  }

  /** Stage B. */
  verdict(facts: RequestFacts): RequestVerdict | undefined {
    return this.#behaviour.request?.(facts);
  }

  /** Stage C, as of now. */
  body(facts: RequestFacts): BodyFault | undefined {
    return this.#behaviour.body?.(facts);
  }

  /** Stage C of a watch, as of now: the same editor each time. */
  editor(facts: RequestFacts): WatchEditor | undefined {
    if (this.#behaviour.watch === undefined) return undefined;
    let editor = this.#editors.get(facts);
    if (editor === undefined) {
      editor = this.#behaviour.watch(facts);
      this.#editors.set(facts, editor);
    }
    return editor;
  }

  /** A request that it holds for must be answered in JSON for it to show. */
  get wantsJson(): boolean {
    return this.#behaviour.jsonOnly === true;
  }

  /** What answers say of it; undefined: nothing. */
  get mark(): string | undefined {
    return this.#marks ? this.id : undefined;
  }

  /** Whether nobody gets a good connection now. */
  get isDown(): boolean {
    const [next] = this.transitions(this.#around.clock.monotonicMs(), 1);
    return next === undefined ? this.#isOn && this.#behaviour.isOutage === true : next.to === "up";
  }

  /** When the connections of the server go and come back because of it; empty unless that is so. */
  transitions(nowMs: number, count: number): readonly Transition[] {
    const { transitions, isOutage } = this.#behaviour;
    return transitions?.(nowMs, count) ?? (isOutage === true ? this.#turns(nowMs, count) : []);
  }

  /** When it goes on (`down`) and off. */
  #turns(nowMs: number, count: number): readonly Transition[] {
    const [beginsMs, endsMs] = [this.#beginsMs, this.#endsMs];
    if (this.#onOff !== undefined) return flapTransitions(this.#onOff, { beginsMs, endsMs, nowMs, count });
    const turns: readonly Transition[] = [
      { atMs: beginsMs, to: "down" },
      { atMs: endsMs, to: "up" },
    ];
    return turns.filter(({ atMs }) => atMs > nowMs && atMs < Number.POSITIVE_INFINITY).slice(0, count);
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

  /** Is on when it should be, and looks again at the next turn. */
  async #follow(): Promise<void> {
    const { clock } = this.#around;
    const nowMs = clock.monotonicMs();
    const [next] = this.#turns(nowMs, 1);
    const lasts = this.#onOff === undefined && nowMs < this.#endsMs;
    const shouldBeOn = next === undefined ? lasts : next.to === "up";
    if (shouldBeOn !== this.#isOn) await (shouldBeOn ? this.#begin() : this.#end());
    if (next === undefined || this.#isRemoved) return;
    this.#cancel = clock.setTimer(() => this.#turn(() => this.#follow()), next.atMs - clock.monotonicMs());
  }

  async #begin(): Promise<void> {
    const { origin } = this.#around;
    this.#isOn = true;
    this.#heal = await this.#behaviour.start?.(origin);
    this.#tellWatches();
  }

  async #end(): Promise<void> {
    this.#isOn = false;
    const heal = this.#heal;
    this.#heal = undefined;
    await heal?.();
    // Another rule may hold for them now.
    this.#tellWatches();
  }

  #tellWatches(): void {
    for (const watch of this.#around.origin.watches) watch.faultBegan();
  }
}
