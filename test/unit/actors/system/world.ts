// A small world of actors for property tests: every actor does what its messages say and checks, whenever it runs, what must
// hold at that moment. What can only be judged over time is written down and judged by `verdicts`.
//
// 1. Nothing of any actor runs within anything of an actor: one handler at a time.
// 2. Of one sender and lane, messages without a key are first handled in the order they were accepted.
// 3. Of one key, an older message is never handled after a newer one, and the newest one is handled.
// 4. No message is handled more than three times, and none again once its handler returned.
// 5. When onStop is called, no child is left. Nothing happens to an actor that is gone.
// 6. Timers and ends of runs reach no incarnation that had not begun them, unless they were waiting when it ended.
// 7. Between the first and the last of maxRestarts + 2 starts in a row lies at least the window.
// 8. A watcher is told once, and only when the watched actor is gone.
// 9. An ask settles no later than one tick after its deadline.
// 10. When the system has stopped: no ask is open, no signal of a run is live, no timer is armed.
import {
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  type ActorSystem,
  createActorSystem,
  type ReplyTo,
} from "../../../../actors/system/index.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";
import { silentLogger } from "../../../../src/support/log.ts";
import { seededRandom } from "../../../../src/support/random.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

export const tickMs = 100;
export const capacity = { userCapacity: 5, systemCapacity: 3 };
const maxRestarts = 3;
const withinMs = 10_000;

export type Action =
  | { readonly do: "nothing" | "stop self" | "spawn" | "reply" }
  | { readonly do: "crash"; readonly times: number; readonly directive: "restart" | "resume" | "stop" | "escalate" }
  | { readonly do: "timer"; readonly delayMs: number; readonly repeat: boolean }
  | { readonly do: "run"; readonly ends: "ok" | "throws" | "never" | number; readonly supersede: boolean }
  | { readonly do: "watch" | "stop child" | "relay"; readonly whom: number };

export interface Message {
  readonly id: number;
  readonly sender: string;
  readonly lane: "user" | "system";
  readonly key?: string | undefined;
  readonly action: Action;
  readonly reply?: ReplyTo<string> | undefined;
  /** Of a timer or the end of a run: the incarnation that began it, and when it was due at the latest. */
  readonly from?: { readonly incarnation: object; readonly dueMs: number };
  /** Of a watch: who is to be gone. */
  readonly gone?: string;
}

class CountingClock extends VirtualClock {
  readonly armed = new Set<object>();

  override setTimer(callback: () => void, delayMs: number): () => void {
    const token = {};
    this.armed.add(token);
    const cancel = super.setTimer(() => {
      this.armed.delete(token);
      callback();
    }, delayMs);
    return () => {
      this.armed.delete(token);
      cancel();
    };
  }
}

export class World {
  readonly clock = new CountingClock();
  readonly system: ActorSystem;
  readonly refs: ActorRef<Message>[] = [];
  readonly problems: string[] = [];
  sent = 0;
  openAsks = 0;
  readonly #signals = new Map<AbortSignal, object>();
  readonly #attempts = new Map<number, number>();
  readonly #done = new Set<number>();
  readonly #lastOfSender = new Map<string, number>();
  readonly #lastOfKey = new Map<string, number>();
  readonly #newestOfKey = new Map<string, { path: string; id: number }>();
  readonly #startsAtMs = new Map<string, number[]>();
  readonly #endedAtMs = new WeakMap<object, number>();
  readonly #watches: { by: string; whom: string; incarnation: object; told: boolean }[] = [];
  #inside: string | undefined;
  #ids = 0;

  constructor(seed: number, roots = 2) {
    this.system = createActorSystem({
      clock: this.clock,
      random: seededRandom(seed),
      log: silentLogger,
      throughput: 3,
      timerTickMs: tickMs,
    });
    for (let i = 0; i < roots; i++) this.refs.push(this.system.spawn(this.#definition(), { name: `n${this.#ids++}` }));
  }

  tell(to: number, sender: string, lane: "user" | "system", key: string | undefined, action: Action): void {
    const message = { id: this.#ids++, sender, lane, key, action };
    this.sent++;
    const ref = this.#ref(to);
    const outcome = ref.tell(message);
    if (key === undefined || outcome === "overflow" || outcome === "dead") return;
    const of = `${ref.path} ${key} ${lane}`;
    // One that crashes may be dropped, as its supervisor decides.
    if (action.do === "crash") this.#newestOfKey.delete(of);
    else this.#newestOfKey.set(of, { path: ref.path, id: message.id });
  }

  ask(to: number, timeoutMs: number, action: Action): void {
    const askedMs = this.clock.monotonicMs();
    const settled = (): void => {
      this.openAsks--;
      const tookMs = this.clock.monotonicMs() - askedMs;
      if (tookMs > timeoutMs + tickMs) this.problems.push(`an ask of ${timeoutMs} ms settled after ${tookMs} ms`);
    };
    this.sent++;
    this.openAsks++;
    const make = (reply: ReplyTo<string>): Message => ({ id: this.#ids++, sender: "ask", lane: "user", action, reply });
    this.#ref(to).ask(make, { timeoutMs }).then(settled, settled);
  }

  /** What the counters say of `sent` messages, when nothing but tells and asks happened. */
  accountedFor(): number {
    const { processed, coalesced, deadLetters } = this.system.counters();
    const waiting = this.system.snapshot().reduce((sum, { mailbox }) => sum + mailbox.user + mailbox.system, 0);
    return processed + coalesced + waiting + Object.values(deadLetters).reduce((sum, count) => sum + count, 0);
  }

  /** What is wrong by now; to be asked when everything has settled. */
  verdicts(): readonly string[] {
    const living = new Set(this.system.snapshot().map(({ path }) => path));
    for (const { path, mailbox } of this.system.snapshot()) {
      if (mailbox.user > capacity.userCapacity + 1) this.problems.push(`${path} has ${mailbox.user} user messages`);
    }
    for (const { by, whom, incarnation, told } of this.#watches) {
      const isWaiting = living.has(by) && !this.#endedAtMs.has(incarnation);
      const state = this.system.snapshot().find(({ path }) => path === by)?.state;
      if (!told && isWaiting && state === "running" && !living.has(whom))
        this.problems.push(`${by} was not told of ${whom}`);
    }
    const resting = this.system
      .snapshot()
      .filter(({ state, mailbox }) => state === "running" && mailbox.user + mailbox.system === 0);
    for (const [of, { path, id }] of this.#newestOfKey) {
      const isResting = resting.some((actor) => actor.path === path);
      if (isResting && !this.#done.has(id)) this.problems.push(`${of}: the newest message, ${id}, was not handled`);
    }
    for (const [path, startsAtMs] of this.#startsAtMs) {
      if (path.lastIndexOf("/") === 0) continue; // roots have the system's strategy
      for (let i = maxRestarts + 1; i < startsAtMs.length; i++) {
        const spanMs = (startsAtMs[i] as number) - (startsAtMs[i - maxRestarts - 1] as number);
        if (spanMs < withinMs) this.problems.push(`${path} was restarted too often: ${startsAtMs}`);
      }
    }
    for (const [signal, incarnation] of this.#signals) {
      if (this.#endedAtMs.has(incarnation) && !signal.aborted) this.problems.push("a run outlived its actor");
    }
    return this.problems;
  }

  async stop(): Promise<readonly string[]> {
    const stopped = this.system.stop(60_000);
    await this.clock.advance(61_000);
    const { abandoned } = await stopped;
    if (abandoned.length > 0) this.problems.push(`abandoned ${abandoned}`);
    if (this.system.snapshot().length > 0) this.problems.push("an actor is left");
    if (this.openAsks > 0) this.problems.push(`${this.openAsks} asks are open`);
    if (this.clock.armed.size > 0) this.problems.push("a timer is armed");
    return this.verdicts();
  }

  #ref(which: number): ActorRef<Message> {
    return this.refs[which % this.refs.length] as ActorRef<Message>;
  }

  #definition(): ActorDefinition<Message> {
    return {
      kind: "node",
      mailbox: capacity,
      keyOf: ({ key }) => key,
      laneOf: ({ lane }) => lane,
      supervision: {
        decide: ({ code }) => code.toLowerCase() as "restart",
        maxRestarts,
        withinMs,
        backoffMs: { first: 50, max: 1_000 },
        degradedRetryMs: { first: 20_000, max: 80_000 },
      },
      create: (context) => {
        const incarnation = {};
        const { path } = context.self;
        return {
          onStart: () => this.#enter(path, () => this.#started(path)),
          onMessage: (message) => this.#enter(path, () => this.#handle(context, incarnation, message)),
          onStop: () => this.#enter(path, () => this.#ended(context, incarnation)),
        };
      },
    };
  }

  #enter(path: string, run: () => void): void {
    if (this.#inside !== undefined) this.problems.push(`${path} ran within ${this.#inside}`);
    if (!this.system.snapshot().some((actor) => actor.path === path)) this.problems.push(`${path} ran when gone`);
    this.#inside = path;
    try {
      run();
    } finally {
      this.#inside = undefined;
    }
  }

  #started(path: string): void {
    this.#startsAtMs.set(path, [...(this.#startsAtMs.get(path) ?? []), this.clock.monotonicMs()]);
  }

  #ended(context: ActorContext<Message>, incarnation: object): void {
    const { path } = context.self;
    if (context.children().length > 0) this.problems.push(`${path} stopped before its children`);
    this.#endedAtMs.set(incarnation, this.clock.monotonicMs());
    context.finalRun("flush", { deadlineMs: 2_000 }, () => new Promise((done) => this.clock.setTimer(done, 300)));
  }

  #handle(context: ActorContext<Message>, incarnation: object, message: Message): void {
    const { path } = context.self;
    const { id, lane, key, sender, from, gone } = message;
    const attempts = (this.#attempts.get(id) ?? 0) + 1;
    if (from === undefined && gone === undefined) {
      this.#attempts.set(id, attempts);
      if (attempts > 3 || this.#done.has(id)) this.problems.push(`${path} handled ${id} again`);
      if (attempts === 1) {
        if (key === undefined) this.#inOrder(this.#lastOfSender, `${path} ${sender} ${lane}`, id);
        else this.#inOrder(this.#lastOfKey, `${path} ${key} ${lane}`, id);
      }
    }
    if (from !== undefined && from.incarnation !== incarnation) {
      const endedAtMs = this.#endedAtMs.get(from.incarnation) ?? Number.POSITIVE_INFINITY;
      if (from.dueMs > endedAtMs) this.problems.push(`${path} heard of an earlier incarnation's timer or run`);
    }
    if (gone !== undefined) this.#toldGone(path, gone);
    this.#act(context, incarnation, message, attempts);
    if (from === undefined && gone === undefined) this.#done.add(id);
  }

  #inOrder(last: Map<string, number>, of: string, id: number): void {
    if ((last.get(of) ?? -1) > id) this.problems.push(`${of}: ${id} came after ${last.get(of)}`);
    last.set(of, id);
  }

  #toldGone(path: string, gone: string): void {
    const open = this.#watches.filter(({ by, whom, told }) => by === path && whom === gone && !told);
    if (open.length === 0) this.problems.push(`${path} was told of ${gone} twice`);
    for (const watch of open) watch.told = true;
    if (this.system.snapshot().some((actor) => actor.path === gone)) this.problems.push(`${gone} is not gone`);
  }

  #act(context: ActorContext<Message>, incarnation: object, message: Message, attempts: number): void {
    const { action } = message;
    const nowMs = this.clock.monotonicMs();
    const own = { id: -1, sender: "runtime", lane: "user", action: { do: "nothing" } } as const;
    switch (action.do) {
      case "nothing":
        break;
      case "stop self":
        context.stopSelf();
        break;
      case "reply":
        message.reply?.resolve("answer");
        break;
      case "spawn":
        if (this.refs.length < 12) this.refs.push(context.spawn(this.#definition(), { name: `n${this.#ids++}` }));
        break;
      case "crash":
        if (attempts <= action.times) throw new ClusterPulseError(action.directive.toUpperCase(), "planted");
        break;
      case "timer": {
        const { delayMs, repeat } = action;
        const from = { incarnation, dueMs: repeat ? 0 : nowMs + delayMs };
        if (repeat) context.timers.every("every", { intervalMs: delayMs + 1 }, { ...own, key: "tick", from });
        else context.timers.once(`${delayMs}`, delayMs, { ...own, from });
        break;
      }
      case "run": {
        const onEnd = (): Message => ({ ...own, from: { incarnation, dueMs: this.clock.monotonicMs() } });
        const { ends } = action;
        context.run("run", { deadlineMs: 3_000, supersede: action.supersede, onEnd }, (signal) => {
          this.#signals.set(signal, incarnation);
          const settle = (): void => void this.#signals.delete(signal);
          if (ends === "throws") settle();
          if (ends === "throws") throw new Error("planted");
          if (ends === "never") return new Promise(() => {});
          if (ends === "ok") settle();
          if (ends === "ok") return Promise.resolve();
          return new Promise<void>((resolve) => this.clock.setTimer(resolve, ends)).then(settle);
        });
        break;
      }
      case "watch": {
        const ref = this.#ref(action.whom);
        if (ref === context.self || this.#watches.some(({ by, whom }) => by === context.self.path && whom === ref.path))
          break;
        this.#watches.push({ by: context.self.path, whom: ref.path, incarnation, told: false });
        context.watch(ref, { ...own, lane: "system", gone: ref.path });
        break;
      }
      case "stop child": {
        const children = context.children();
        const child = children[action.whom % Math.max(1, children.length)];
        if (child !== undefined) context.stop(child);
        break;
      }
      case "relay":
        this.tell(action.whom, context.self.path, "user", undefined, { do: "nothing" });
        break;
      default:
        action satisfies never;
    }
  }
}
