// Faults of watches: told that their version is too old, silent, broken off, or with lines that are wrong.

import type { Origin } from "../../http/listeners.ts";
import { type ApiError, apiErrors } from "../../http/status.ts";
import type { FaultContext, Heal, RequestFacts } from "../effects.ts";
import { statusError } from "../statuses.ts";
import { WatchLines, watchLineVariants } from "../watch-lines.ts";
import { bytes, faultKind, milliseconds } from "./kind.ts";

const isWatch = ({ isWatch }: RequestFacts): boolean => isWatch;

const when = {
  afterEvents: {
    ...bytes,
    high: 1_000_000,
    unit: "events",
    about: "once so many events of each watch were let through",
  },
  afterMs: { ...milliseconds, low: 0, about: "so long after the later of the watch and the fault" },
} as const;

const errorLine = (error: ApiError): string => JSON.stringify({ type: "ERROR", object: error.toStatus() });
const tooOld = (): ApiError => apiErrors.expired("too old resource version: the history is gone");

export const watch410 = faultKind({
  looks: "watches, open ones too, end with the event of a version that is too old",
  traffic: "requests",
  parameters: {
    variant: {
      kind: "choice",
      choices: ["event", "keepOpen", "http", "compaction"],
      otherwise: "event",
      about: "what they are told",
      says: {
        event: "an ERROR event, and the end",
        keepOpen: "the event, and nothing more",
        http: "new ones the HTTP status; open ones break",
        compaction: "who asks for a version from before it, or with a continue token, is told 410",
      },
    },
    code: { kind: "number", low: 400, high: 599, unit: "an HTTP status", otherwise: 410, about: "the status of that" },
    ...when,
  },
  behave: (values, context) => {
    const { variant, code, afterEvents, afterMs } = values;
    const error = code === 410 ? tooOld() : statusError(code);
    if (variant === "compaction") return compaction(context);
    if (variant === "http") {
      return {
        concerns: isWatch,
        start: breakOpen(context),
        request: () => ({ type: "refuse", error }),
      };
    }
    const line = errorLine(error);
    const ends = variant !== "keepOpen";
    if (afterEvents !== undefined || afterMs !== undefined) {
      const last = { send: [`${line}\n`], next: ends ? "end" : "hold" } as const;
      const watch = (): WatchLines => new WatchLines({ ...values, variant: "last", last, nthEvent: 1 });
      return { concerns: isWatch, watch, ...(ends ? {} : { start: breakWhenHealed(context) }) };
    }
    return {
      concerns: isWatch,
      start: (origin) => {
        for (const watch of metWatches(origin, context)) watch.finish(line, ends);
        return ends ? () => {} : breakWhenHealed(context)(origin);
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

/** Those that are held come back to life by this alone. */
const breakWhenHealed =
  (context: FaultContext) =>
  (origin: Origin): Heal =>
  () =>
    destroyMet(origin, context);

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
  looks: "watches stay open and say nothing any more, and break when it is healed; or what a variant says",
  traffic: "requests",
  parameters: {
    variant: {
      kind: "choice",
      choices: ["silence", ...watchLineVariants],
      otherwise: "silence",
      about: "what is wrong with them",
      says: {
        silence: "nothing comes any more",
        drop: "the connection breaks",
        close: "a clean end",
        garbageLine: "a line that is no JSON before each",
        unknownType: "an event of a type that nobody knows before each",
        halfLine: "half a line, and the end",
        endlessLine: "a line of sizeMib without an end",
        noBookmarks: "no bookmarks but the end of the initial events",
        staleBookmark: "bookmarks of version 1",
        noInitialEnd: "the end of the initial events is not told",
        duplicate: "every nthEvent-th event twice",
        reorder: "after its successor",
        lose: "not at all",
      },
    },
    ...when,
    nthEvent: {
      ...bytes,
      low: 1,
      high: 1_000_000,
      unit: "events",
      otherwise: 2,
      about: "of duplicate, reorder and lose: every so many-th",
    },
    sizeMib: { ...bytes, low: 1, high: 64, unit: "MiB", otherwise: 16, about: "of endlessLine" },
  },
  behave: (values, context) => {
    const { variant, afterEvents, afterMs } = values;
    const start = breakWhenHealed(context);
    if (variant !== "silence") {
      const watch = (): WatchLines => new WatchLines({ ...values, variant });
      return { concerns: isWatch, watch, ...(variant === "endlessLine" && { start }) };
    }
    if (afterEvents !== undefined || afterMs !== undefined) {
      const last = { send: [], next: "hold" } as const;
      return { concerns: isWatch, start, watch: () => new WatchLines({ ...values, variant: "last", last }) };
    }
    return { concerns: isWatch, start, body: () => ({ type: "hold" }) };
  },
});
