// An actor for tests: it does what its messages carry, and writes everything that happens to it into a journal.
import type { Actor, ActorContext, ActorDefinition, StopReason } from "../../../../actors/system/index.ts";

export interface Act {
  readonly type: string;
  readonly key?: string;
  readonly lane?: "system" | "user";
  readonly act?: (context: ActorContext<Act>) => void;
}

export type Hooks = Partial<Omit<ActorDefinition<Act>, "create">> & {
  readonly onCreate?: (context: ActorContext<Act>) => void;
  readonly onStart?: (context: ActorContext<Act>) => void;
  readonly onStop?: (context: ActorContext<Act>, reason: StopReason) => void;
};

/** A message that makes the actor crash. */
export const crash = (type = "crash"): Act => ({
  type,
  act: () => {
    throw new Error("planted");
  },
});

/** Journal lines: "name start", "name restart CODE", "name <type of message>", "name stop <reason>". */
export function scripted(journal: string[], hooks: Hooks = {}): ActorDefinition<Act> {
  const { onCreate, onStart, onStop, ...definition } = hooks;
  return {
    kind: "scripted",
    keyOf: (message) => message.key,
    laneOf: (message) => message.lane ?? "user",
    ...definition,
    create(context): Actor<Act> {
      const note = (what: string): void => void journal.push(`${context.self.name} ${what}`);
      onCreate?.(context);
      return {
        onRestart: (error) => note(`restart ${error.code}`),
        onStart() {
          note("start");
          onStart?.(context);
        },
        onMessage(message) {
          note(message.type);
          message.act?.(context);
        },
        onStop(reason) {
          note(`stop ${reason}`);
          onStop?.(context, reason);
        },
      };
    },
  };
}
