// What a message costs, with supervision, bounds and counters on, against the barest thing that could do the same:
// `mailbox` against a run queue of plain arrays, `mailbox-fan-out` against calling a method of every actor in a loop.
import { createActorSystem } from "../../actors/system/index.ts";
import type { Actor, ActorRef, ActorSystem } from "../../actors/system/types.ts";
import { systemClock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import type { Measure } from "./harness.ts";
import { runQueue } from "./reference/messages.mjs";

const queueActors = 1_000;
const queueMessages = 1_000_000;
/** Messages that wait in one mailbox at most: below its bound of 256. */
const wavePerActor = 250;

const fanOutActors = 10_000;
const fanOuts = 100;

class Counter implements Actor<number> {
  count = 0;

  onMessage(message: number): void {
    this.count += message & 1;
  }
}

interface Fleet {
  readonly system: ActorSystem;
  readonly counters: readonly Counter[];
  readonly refs: readonly ActorRef<number>[];
}

async function startCounters(count: number): Promise<Fleet> {
  const system = createActorSystem({ clock: systemClock, random: seededRandom(1), log: silentLogger });
  const counters: Counter[] = [];
  const definition = {
    kind: "counter",
    create: () => {
      const counter = new Counter();
      counters.push(counter);
      return counter;
    },
  };
  const refs = Array.from({ length: count }, (_, i) => system.spawn<number>(definition, { name: `counter-${i}` }));
  while (counters.length < count) await nextTurn();
  return { system, counters, refs };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function untilProcessed(system: ActorSystem, total: number): Promise<void> {
  while (system.counters().processed < total) await nextTurn();
}

/** Sees that the work was done: every second message counts one. */
function check(counters: readonly Counter[], messages: number): void {
  const counted = counters.reduce((sum, counter) => sum + counter.count, 0);
  if (counted !== messages / 2) throw new Error(`${counted} counted of ${messages} messages`);
  for (const counter of counters) counter.count = 0;
}

async function queue(): Promise<Measure> {
  const { system, counters, refs } = await startCounters(queueActors);
  let processed = 0;
  return {
    name: "mailbox",
    goal: 6,
    unit: "message",
    unitsPerRound: queueMessages,
    reference: () => runQueue(queueActors, queueMessages),
    async subject() {
      const wave = queueActors * wavePerActor;
      for (let sent = 0; sent < queueMessages; sent += wave) {
        for (let i = sent; i < sent + wave; i++) (refs[i % queueActors] as ActorRef<number>).tell(i);
        processed += wave;
        await untilProcessed(system, processed);
      }
      check(counters, queueMessages);
    },
  };
}

async function fanOut(): Promise<Measure> {
  const { system, counters, refs } = await startCounters(fanOutActors);
  // One function for each actor, since a sender does not know what it calls. A loop over the counters' own method is no loop of
  // calls: it is inlined, and takes a third of the time.
  const handlers = counters.map(
    (counter) =>
      (message: number): void =>
        counter.onMessage(message),
  );
  let processed = 0;
  return {
    // The reference calls the same actors' handlers without a system in between.
    name: "mailbox-fan-out",
    goal: 5,
    unit: "actor",
    unitsPerRound: fanOutActors * fanOuts,
    reference() {
      for (let message = 0; message < fanOuts; message++) for (const handle of handlers) handle(message);
      check(counters, fanOutActors * fanOuts);
    },
    async subject() {
      for (let message = 0; message < fanOuts; message++) {
        for (const ref of refs) ref.tell(message);
        processed += fanOutActors;
        await untilProcessed(system, processed);
      }
      check(counters, fanOutActors * fanOuts);
    },
  };
}

export async function* measures(): AsyncIterable<Measure> {
  yield await queue();
  yield await fanOut();
}
