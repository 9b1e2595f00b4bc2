// Faults of watches: told that their version is too old, silent, broken off, or with lines that are wrong.

import type { Origin } from "../../http/listeners.ts";
import { ApiError, apiErrors } from "../../http/status.ts";
import type { FaultContext, Heal, RequestFacts } from "../effects.ts";
import { WatchLines, watchLineVariants } from "../watch-lines.ts";
import { bytes, faultKind, milliseconds } from "./kind.ts";

const isWatch = ({ isWatch }: RequestFacts): boolean => isWatch;

const when = {
  afterEvents: { ...bytes, high: 1_000_000, unit: "events", about: "not before so many events of the watch" },
  afterMs: { ...milliseconds, low: 0, about: "so long after the watch began, or the fault" },
} as const;

const errorLine = (error: ApiError): string => JSON.stringify({ type: "ERROR", object: error.toStatus() });
const tooOld = (): ApiError => apiErrors.expired("too old resource version: the history is gone");
const broken = (): ApiError => new ApiError(500, "InternalError", "simulated: the watch broke");

export const watch410 = faultKind({
  looks: "watches, open ones too, end with the event of a version that is too old",
  traffic: "requests",
  parameters: {
    variant: {
      kind: "choice",
      choices: ["event", "keepOpen", "http", "error500", "compaction"],
      otherwise: "event",
      about:
        "the event and the end; the event without an end; HTTP 410 for new watches; an event of 500 and the end; compaction: what asks for a version from before it, and every continue token, is told 410",
    },
    ...when,
  },
  behave: (values, context) => {
    const { variant, afterEvents, afterMs } = values;
    if (variant === "compaction") return compaction(context);
    if (variant === "http") {
      return {
        concerns: isWatch,
        start: breakOpen(context),
        request: () => ({ type: "refuse", error: tooOld() }),
      };
    }
    const line = errorLine(variant === "error500" ? broken() : tooOld());
    const ends = variant !== "keepOpen";
    if (afterEvents !== undefined || afterMs !== undefined) {
      const last = { send: [`${line}\n`], next: ends ? "end" : "hold" } as const;
      return { concerns: isWatch, watch: () => new WatchLines({ ...values, variant: "last", last, nthEvent: 1 }) };
    }
    return {
      concerns: isWatch,
      start: (origin) => {
        for (const watch of metWatches(origin, context)) watch.finish(line, ends);
        return ends ? () => {} : () => destroyMet(origin, context);
      },
      request: () => ({ type: "watch", line, ends }),
    };
  },
});

const metWatches = (origin: Origin, { meets }: FaultContext) => origin.watches.filter(({ facts }) => meets(facts));

function destroyMet(origin: Origin, context: FaultContext): void {
  for (const watch of metWatches(origin, context)) watch.destroy();
}

const breakOpen =
  (context: FaultContext) =>
  (origin: Origin): Heal => {
    destroyMet(origin, context);
    return () => {};
  };

/** The history up to now is gone: new lists and what follows them are well. */
function compaction(context: FaultContext) {
  let revision = 0;
  const isOlder = ({ query }: RequestFacts): boolean => {
    const version = Number(query.get("resourceVersion") ?? "");
    return version > 0 && version < revision;
  };
  const isExact = ({ query }: RequestFacts): boolean => query.get("resourceVersionMatch") === "Exact";
  return {
    start: (): Heal => {
      revision = context.revision();
      return () => {};
    },
    concerns: (facts: RequestFacts): boolean =>
      (facts.verb === "list" && (facts.query.has("continue") || (isExact(facts) && isOlder(facts)))) ||
      (facts.isWatch && isOlder(facts)),
    request: (facts: RequestFacts) =>
      facts.isWatch
        ? ({ type: "watch", line: errorLine(tooOld()), ends: true } as const)
        : ({
            type: "refuse",
            error: apiErrors.expired("The provided continue parameter is too old to display a consistent list result"),
          } as const),
  };
}

export const watchstall = faultKind({
  looks: "watches stay open and say nothing any more; they break when it is healed",
  traffic: "requests",
  parameters: {
    variant: {
      kind: "choice",
      choices: ["silence", ...watchLineVariants],
      otherwise: "silence",
      about:
        "silence; the connection breaks (drop); a clean end (close); a line that is no JSON (garbageLine); half a line and the end; a line of sizeMib without an end; no bookmarks; bookmarks of an old version; the end of the initial events is not told; every nthEvent-th event twice, after its successor, or not at all",
    },
    ...when,
    nthEvent: {
      ...bytes,
      low: 1,
      high: 1_000_000,
      unit: "of a row",
      otherwise: 2,
      about: "of duplicate, reorder and lose",
    },
    sizeMib: { ...bytes, low: 1, high: 64, unit: "MiB", otherwise: 4, about: "of endlessLine" },
  },
  behave: (values, context) => {
    const { variant, afterEvents, afterMs } = values;
    if (variant !== "silence") return { concerns: isWatch, watch: () => new WatchLines({ ...values, variant }) };
    const heal = (origin: Origin): Heal => {
      return () => destroyMet(origin, context);
    };
    if (afterEvents !== undefined || afterMs !== undefined) {
      const last = { send: [], next: "hold" } as const;
      return { concerns: isWatch, start: heal, watch: () => new WatchLines({ ...values, variant: "last", last }) };
    }
    return { concerns: isWatch, start: heal, body: () => ({ type: "hold" }) };
  },
});
