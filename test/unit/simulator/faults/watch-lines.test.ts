// What each variant makes of the lines of a watch.
import { describe, expect, it } from "vitest";
import { WatchLines, type WatchLinesOptions } from "../../../../src/simulator/faults/watch-lines.ts";

const event = (version: number): string =>
  `{"type":"MODIFIED","object":{"metadata":{"name":"n${version}","resourceVersion":"${version}"}}}`;
const bookmark = '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"99"}}}';
const initialEnd =
  '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5","annotations":{"k8s.io/initial-events-end":"true"}}}}';

const atOnce = { afterEvents: undefined, afterMs: undefined, nthEvent: 2 };

function play(options: Partial<WatchLinesOptions>, lines: readonly string[]) {
  const editor = new WatchLines({
    variant: "drop",
    afterEvents: undefined,
    afterMs: undefined,
    nthEvent: 2,
    ...options,
  });
  const outcomes = lines.map((line) => editor.line(line));
  return {
    editor,
    sent: outcomes.flatMap(({ send }) => send),
    next: outcomes.map(({ next }) => next).find((one) => one !== undefined),
  };
}
const whole = (...lines: readonly string[]): string[] => lines.map((line) => `${line}\n`);
const [one, two, three, four] = [1, 2, 3, 4].map(event) as [string, string, string, string];

describe("lines of a watch", () => {
  it.each<[WatchLinesOptions["variant"], "destroy" | "end", string[]]>([
    ["drop", "destroy", whole(one, two)],
    ["close", "end", whole(one, two)],
    ["halfLine", "end", [...whole(one, two), three.slice(0, three.length >> 1)]],
  ])("%s after two events: bookmarks do not count, and nothing follows", (variant, next, sent) => {
    const played = play({ variant, afterEvents: 2 }, [one, bookmark, two, three, four]);
    expect(played.sent.filter((line) => !line.includes("BOOKMARK"))).toEqual(sent);
    expect(played.next).toBe(next);
  });

  it("drop and close without a time of their own come at once, without a line", () => {
    const { atTime } = play({ variant: "close" }, []).editor;
    expect([atTime?.afterMs, atTime?.outcome()]).toEqual([0, { send: [], next: "end" }]);
    const later = play({ variant: "drop", afterMs: 500 }, [one, two]);
    expect(later.sent).toEqual(whole(one, two));
    expect([later.editor.atTime?.afterMs, later.editor.atTime?.outcome().next]).toEqual([500, "destroy"]);
    expect(later.editor.line(three)).toEqual({ send: [] });
  });

  it("halfLine after a time waits for a line to halve", () => {
    const { editor } = play({ variant: "halfLine", afterMs: 5 }, []);
    expect(editor.atTime?.outcome()).toEqual({ send: [] });
    expect(editor.line(one)).toEqual({ send: [one.slice(0, one.length >> 1)], next: "end" });
  });

  it("garbageLine, unknownType, endlessLine", () => {
    const { sent } = play({ variant: "garbageLine", afterEvents: 1 }, [one, two]);
    expect([sent.length, sent[0], sent[2]]).toEqual([3, ...whole(one, two)]);
    expect(() => JSON.parse(sent[1] as string)).toThrow();
    const strange = play({ variant: "unknownType" }, [one]).sent;
    expect([strange.length, JSON.parse(strange[0] as string).type, strange[1]]).toEqual([2, "SURPRISE", `${one}\n`]);
    const endless = play({ variant: "endlessLine", sizeMib: 3, afterEvents: 0 }, [one, two]);
    expect([endless.sent.length, endless.next]).toEqual([1, "hold"]);
    expect(new WatchLines({ ...atOnce, variant: "endlessLine", sizeMib: 3 }).line(one).paddingMib).toBe(3);
    expect(endless.sent[0]).not.toContain("\n");
  });

  it("noBookmarks keeps the end of the initial events, noInitialEnd the others; staleBookmark takes them back", () => {
    const lines = [one, initialEnd, two, bookmark];
    expect(play({ variant: "noBookmarks" }, lines).sent).toEqual(whole(one, initialEnd, two));
    expect(play({ variant: "noInitialEnd" }, lines).sent).toEqual(whole(one, two, bookmark));
    expect(play({ variant: "staleBookmark" }, lines).sent.at(-1)).toBe(whole(bookmark.replace("99", "1"))[0]);
  });

  it("duplicate, reorder, lose: every second event", () => {
    const lines = [one, two, three, four];
    expect(play({ variant: "duplicate" }, lines).sent).toEqual(whole(one, two, two, three, four, four));
    expect(play({ variant: "reorder" }, lines).sent).toEqual(whole(one, three, two));
    expect(play({ variant: "reorder", nthEvent: 1 }, lines).sent).toEqual(whole(one, two, three));
    expect(play({ variant: "lose" }, [one, two, bookmark, three, four]).sent).toEqual(whole(one, bookmark, three));
  });
});
