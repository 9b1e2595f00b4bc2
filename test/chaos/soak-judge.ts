// What a soak notes each minute, and whether anything of it grew.
import { slope } from "./slope.ts";

/** One minute. Totals (missed, polls, errors) as the hub counts them, but missed cycles are of this minute alone. */
export interface Sample {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly openFiles: number;
  readonly lagP99Ms: number;
  readonly latenessP99Ms: number;
  /** Cycles of clusters that were never touched. */
  readonly missed: number;
  readonly polls: number;
  readonly errors: number;
}

const columns = [
  "rssBytes",
  "heapBytes",
  "openFiles",
  "lagP99Ms",
  "latenessP99Ms",
  "missed",
  "polls",
  "errors",
] as const satisfies readonly (keyof Sample)[];

/** The first line of the CSV. */
export const header = `minute,${columns.join(",")}`;

/** One line of the CSV, without its end. */
export function csvLine(minute: number, sample: Sample): string {
  return [minute, ...columns.map((column) => Math.round(sample[column]))].join(",");
}

/** An hour may add so much to the resident memory, and the whole time so large a share to each of the others. */
const limits = { rssBytesPerHour: 1_000_000, share: 0.1 };
const judgedFrom = 4;
/** Less than four hours say too little of what an hour adds to the resident memory. */
const hourlyFrom = 240;

export interface Verdict {
  /** How what must not grow did. */
  readonly growth: readonly string[];
  /** None: nothing grew, and nobody who was left in peace missed a cycle. */
  readonly problems: readonly string[];
}

/** @param settled a sample for each minute, without those of a process that still warms up */
export function judge(settled: readonly Sample[]): Verdict {
  if (settled.length < judgedFrom)
    return { growth: ["too short to judge what grows"], problems: missedCycles(settled) };
  const growth: string[] = [];
  const problems: string[] = [];
  for (const column of ["rssBytes", "heapBytes", "openFiles"] as const) {
    const values = settled.map((sample) => sample[column]);
    const perHour = 60 * slope(values);
    const share = ((perHour / 60) * values.length) / Math.max(1, values[0] as number);
    growth.push(`${column} ${perHour.toFixed(0)} an hour, ${(100 * share).toFixed(1)} % over the time`);
    if (share > limits.share) problems.push(`${column} grew by ${(100 * share).toFixed(1)} %`);
    if (column === "rssBytes" && values.length >= hourlyFrom && perHour > limits.rssBytesPerHour)
      problems.push(`resident memory grew by ${perHour.toFixed(0)} bytes an hour`);
  }
  return { growth, problems: [...problems, ...missedCycles(settled)] };
}

function missedCycles(samples: readonly Sample[]): string[] {
  const missed = samples.reduce((sum, sample) => sum + sample.missed, 0);
  return missed > 0 ? [`${missed} cycles of clusters that were never touched were missed`] : [];
}
