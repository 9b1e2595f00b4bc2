// Plots as SVG text that needs no script: lines over time and a distribution in bars, with limits drawn across. Pure. Colours are classes
// that the page defines, so that it can be dark; exact values stand in titles, which browsers show under the pointer.
import type { HistogramBar } from "./report.ts";

export type Group = "healthy" | "broken";

export interface Point {
  readonly atSeconds: number;
  /** Null: not known then. */
  readonly value: number | null;
}

export interface TimePlot {
  readonly points: readonly Point[];
  readonly group: Group;
  /** How a value is written, unit included. */
  readonly shown: (value: number) => string;
  /** A line across. */
  readonly limit?: number | undefined;
  /** Moments worth a line of their own, in order. */
  readonly marks: readonly { readonly atSeconds: number; readonly label: string }[];
  /** Known values further apart are not joined. */
  readonly maxGapSeconds: number;
}

const frame = { width: 820, height: 190, left: 72, right: 24, top: 16, bottom: 26 };
const maxLimitShare = 4;
const inner = { width: frame.width - frame.left - frame.right, height: frame.height - frame.top - frame.bottom };
const floor = frame.height - frame.bottom;

/** @param title read out in place of the picture; text. @returns nothing when no value is known */
export function timePlot(title: string, { points, group, shown, limit, marks, maxGapSeconds }: TimePlot): string {
  const known = points.filter((point): point is Known => point.value !== null);
  if (known.length === 0) return "";
  const first = Math.min(0, ...points.map(({ atSeconds }) => atSeconds));
  const last = Math.max(first + 1, ...points.map(({ atSeconds }) => atSeconds));
  const most = Math.max(...known.map(({ value }) => value));
  // A limit far above everything would press the line flat: then it is only told.
  const isNear = limit !== undefined && limit <= maxLimitShare * most;
  const ticks = niceTicks(Math.max(most, isNear ? limit : 0, 1e-9), 4);
  const top = ticks.at(-1) ?? 1;
  const x = (atSeconds: number): number => frame.left + ((atSeconds - first) / (last - first)) * inner.width;
  const y = (value: number): number => floor - (value / top) * inner.height;
  const pieces = unbroken(known, maxGapSeconds).map((piece) => {
    const corners = piece.map(({ atSeconds, value }) => `${tenth(x(atSeconds))},${tenth(y(value))}`);
    // A line from a point to itself shows as that point.
    return `<polyline class="line ${group}" points="${[...corners, corners.at(-1)].join(" ")}"/>`;
  });
  const dots = known
    .map(({ atSeconds, value }) => dot(x(atSeconds), y(value), `${clock(atSeconds)}: ${shown(value)}`))
    .join("");
  return svg(
    title,
    [
      ...ticks.map((tick) => horizontal(y(tick), shown(tick))),
      ...timeTicks(first, last).map((tick) => text(x(tick), floor + 17, clock(tick), "middle")),
      ...markLines(
        marks
          .filter(({ atSeconds }) => atSeconds >= first && atSeconds <= last)
          .map(({ atSeconds, label }) => ({ x: x(atSeconds), label })),
      ),
      ...pieces,
      isNear ? limitLine(y(limit), `limit ${shown(limit)}`) : "",
      dots,
    ].join(""),
  );
}

/** Each group in shares of its own cycles, side by side. @param limitMs a line where it falls */
export function distributionPlot(
  title: string,
  groups: Readonly<Record<Group, readonly HistogramBar[]>>,
  limitMs: number | undefined,
): string {
  const names = (["healthy", "broken"] as const).filter((name) => groups[name].some(({ cycles }) => cycles > 0));
  if (names.length === 0) return '<p class="none">No cycle came due.</p>';
  const bins = groups.healthy.map(({ toMs }) => toMs);
  const total = (name: Group): number => Math.max(1, sum(groups[name].map(({ cycles }) => cycles)));
  const shareOf = (name: Group, bin: number): number => (groups[name][bin]?.cycles ?? 0) / total(name);
  const ticks = niceTicks(Math.max(...names.flatMap((name) => bins.map((_, bin) => shareOf(name, bin) * 100))), 4);
  const top = ticks.at(-1) ?? 100;
  const step = inner.width / bins.length;
  const barWidth = (step - 8) / names.length;
  const bars = names.flatMap((name, which) =>
    bins.map((toMs, bin) => {
      const cycles = groups[name][bin]?.cycles ?? 0;
      if (cycles === 0) return "";
      const height = Math.max(1, ((shareOf(name, bin) * 100) / top) * inner.height);
      const x = frame.left + bin * step + 4 + which * barWidth;
      const told = `${name}, ${toMs === null ? "later" : `up to ${short(toMs)}`}: ${cycles} cycles, ${percent(shareOf(name, bin))}`;
      return `<rect class="bar ${name}" x="${tenth(x)}" y="${tenth(floor - height)}" width="${tenth(barWidth - 2)}" height="${tenth(height)}" rx="1.5"><title>${told}</title></rect>`;
    }),
  );
  const labels = bins.map((toMs, bin) =>
    text(frame.left + (bin + 0.5) * step, floor + 17, toMs === null ? "more" : short(toMs), "middle"),
  );
  const limitX = limitMs === undefined ? undefined : frame.left + binPosition(bins, limitMs) * step;
  return svg(
    title,
    [
      ...ticks.map((tick) => horizontal(floor - (tick / top) * inner.height, `${tick} %`)),
      ...labels,
      ...bars,
      limitX === undefined || limitMs === undefined
        ? ""
        : `<line class="limit" x1="${tenth(limitX)}" x2="${tenth(limitX)}" y1="${frame.top - 4}" y2="${floor}"/>${text(limitX + 5, frame.top + 5, `limit at p99 ${short(limitMs)}`, "start")}`,
    ].join(""),
  );
}

interface Known {
  readonly atSeconds: number;
  readonly value: number;
}

/** Points in a row, cut where too much time lies between two. */
function unbroken(points: readonly Known[], maxGapSeconds: number): Known[][] {
  const pieces: Known[][] = [];
  for (const point of points) {
    const piece = pieces.at(-1);
    const before = piece?.at(-1);
    if (piece === undefined || before === undefined || point.atSeconds - before.atSeconds > maxGapSeconds)
      pieces.push([point]);
    else piece.push(point);
  }
  return pieces;
}

const characterWidth = 6.5;

/** Their lines, each with its label right of it where there is room until the next, else left of it, else under the pointer alone. */
function markLines(marks: readonly { readonly x: number; readonly label: string }[]): string[] {
  let takenTo = frame.left;
  return marks.map(({ x, label }, i) => {
    const width = label.length * characterWidth + 8;
    const fitsRight = x + width <= (marks[i + 1]?.x ?? frame.width);
    const fitsLeft = x - width >= takenTo;
    takenTo = fitsRight ? x + width : x;
    const line = `<line class="mark" x1="${tenth(x)}" x2="${tenth(x)}" y1="${frame.top - 6}" y2="${floor}"><title>${label}</title></line>`;
    if (fitsRight) return `${line}${text(x + 4, frame.top - 4, label, "start")}`;
    return fitsLeft ? `${line}${text(x - 4, frame.top - 4, label, "end")}` : line;
  });
}

/** Where a lateness falls among the bins, as a number of bins from the left. */
function binPosition(bins: readonly (number | null)[], ms: number): number {
  const bin = bins.findIndex((toMs) => toMs === null || ms <= toMs);
  const fromMs = bins[bin - 1] ?? 0;
  const toMs = bins[bin] ?? 2 * fromMs;
  return bin + Math.min(1, (ms - fromMs) / Math.max(1, toMs - fromMs));
}

/** From 0 in round steps to the first at or above `most`. */
function niceTicks(most: number, wanted: number): number[] {
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** Some eight round moments; 0 is one of them. */
function timeTicks(first: number, last: number): number[] {
  const step =
    [5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400].find(
      (seconds) => (last - first) / seconds <= 9,
    ) ?? 7 * 86_400;
  const from = Math.ceil(first / step);
  return Array.from({ length: Math.floor(last / step) - from + 1 }, (_, i) => (from + i) * step);
}

/** `1:30` after the measuring began, `-0:30` before. */
export function clock(atSeconds: number): string {
  const seconds = Math.round(Math.abs(atSeconds));
  const hours = Math.floor(seconds / 3_600);
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60) % 60;
  return `${atSeconds < 0 && seconds > 0 ? "−" : ""}${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
const tenth = (value: number): string => value.toFixed(1);
const short = (ms: number): string => (ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`);
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.01 ? 2 : 1)} %`;
const text = (x: number, y: number, content: string, anchor: "start" | "middle" | "end"): string =>
  `<text x="${tenth(x)}" y="${tenth(y)}" text-anchor="${anchor}">${content}</text>`;
const horizontal = (y: number, label: string): string =>
  `<line class="grid" x1="${frame.left}" x2="${frame.width - frame.right}" y1="${tenth(y)}" y2="${tenth(y)}"/>${text(frame.left - 8, y + 4, label, "end")}`;
const limitLine = (y: number, label: string): string =>
  `<line class="limit" x1="${frame.left}" x2="${frame.width - frame.right}" y1="${tenth(y)}" y2="${tenth(y)}"/>${text(frame.width - frame.right - 4, y - 5, label, "end")}`;
const dot = (x: number, y: number, title: string): string =>
  `<circle class="dot" cx="${tenth(x)}" cy="${tenth(y)}" r="5"><title>${title}</title></circle>`;
const svg = (title: string, content: string): string =>
  `<div class="wide"><svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-label="${title}">${content}</svg></div>`;
