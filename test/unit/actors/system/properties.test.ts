import fc from "fast-check";
import { expect, test } from "vitest";
import { type Action, tickMs, World } from "./world.ts";

type Step =
  | {
      readonly step: "tell";
      readonly to: number;
      readonly sender: string;
      readonly lane: "user" | "system";
      readonly key: string | undefined;
      readonly action: Action;
    }
  | { readonly step: "ask"; readonly to: number; readonly timeoutMs: number; readonly action: Action }
  | { readonly step: "settle" }
  | { readonly step: "advance"; readonly ms: number };

const whom = fc.nat({ max: 11 });
const plainAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Action>({ do: "nothing" }) },
  { weight: 2, arbitrary: fc.constant<Action>({ do: "spawn" }) },
  { weight: 1, arbitrary: fc.constant<Action>({ do: "stop self" }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stop child" as const), whom }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("relay" as const), whom }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("crash" as const),
      times: fc.integer({ min: 1, max: 4 }),
      directive: fc.constantFrom("restart", "restart", "resume", "stop", "escalate"),
    }),
  },
);
const delayMs = fc.integer({ min: 0, max: 5_000 });
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: plainAction },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("timer" as const), delayMs, repeat: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      ends: fc.oneof(fc.constantFrom("ok" as const, "throws" as const, "never" as const), delayMs),
      supersede: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("watch" as const), whom }) },
);

const program = (action: fc.Arbitrary<Action>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          step: fc.constant("tell" as const),
          to: whom,
          sender: fc.constantFrom("p", "q"),
          lane: fc.constantFrom("user" as const, "user" as const, "system" as const),
          key: fc.option(fc.constantFrom("k", "l"), { nil: undefined }),
          action,
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          step: fc.constant("ask" as const),
          to: whom,
          timeoutMs: fc.integer({ min: 0, max: 3_000 }),
          action: fc.oneof(fc.constant<Action>({ do: "reply" }), action),
        }),
      },
      { weight: 2, arbitrary: fc.constant<Step>({ step: "settle" }) },
      {
        weight: 1,
        arbitrary: fc.record({ step: fc.constant("advance" as const), ms: fc.integer({ max: 30_000, min: 0 }) }),
      },
    ),
    { maxLength: 80, size: "max" },
  );

async function perform(world: World, steps: readonly Step[], check: () => void): Promise<void> {
  for (const next of steps) {
    switch (next.step) {
      case "tell":
        world.tell(next.to, next.sender, next.lane, next.key, next.action);
        continue;
      case "ask":
        world.ask(next.to, next.timeoutMs, next.action);
        continue;
      case "settle":
        await world.clock.settle();
        break;
      case "advance":
        await world.clock.advance(next.ms);
    }
    check();
  }
  await world.clock.advance(3_000 + tickMs);
  check();
  expect(world.openAsks).toBe(0);
  expect(await world.stop()).toEqual([]);
}

test("every message is processed, waiting, coalesced or a counted dead letter; order and lifecycle hold", async () => {
  await fc.assert(
    fc.asyncProperty(program(plainAction), fc.integer(), async (steps, seed) => {
      const world = new World(seed);
      await perform(world, steps, () => {
        expect(world.verdicts()).toEqual([]);
        expect(world.accountedFor()).toBe(world.sent);
      });
      expect(world.accountedFor()).toBe(world.sent);
    }),
    { numRuns: 150 },
  );
});

test("with timers, runs and watches: none of them outlives its incarnation, and every watcher is told", async () => {
  await fc.assert(
    fc.asyncProperty(program(anyAction), fc.integer(), async (steps, seed) => {
      const world = new World(seed);
      await perform(world, steps, () => expect(world.verdicts()).toEqual([]));
    }),
    { numRuns: 150 },
  );
});
