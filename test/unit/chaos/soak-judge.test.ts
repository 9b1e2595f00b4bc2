import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slope } from "../../chaos/slope.ts";
import { csvLine, header, judge, type Sample } from "../../chaos/soak-judge.ts";

const calm: Sample = {
  rssBytes: 200_000_000,
  heapBytes: 50_000_000,
  openFiles: 100,
  lagP99Ms: 12,
  latenessP99Ms: 200,
  missed: 0,
  polls: 80,
  errors: 1,
};
const minutes = (count: number, change: (minute: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: count }, (_, minute) => ({ ...calm, ...change(minute) }));

describe("a slope", () => {
  test("is what a straight line gains from one sample to the next, wherever it begins", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1_000, max: 1_000 }),
        fc.integer({ min: -1_000, max: 1_000 }),
        fc.integer({ min: 2, max: 300 }),
        (start, step, count) => {
          const values = Array.from({ length: count }, (_, i) => start + step * i);
          expect(slope(values)).toBeCloseTo(step, 6);
        },
      ),
      { seed: 8 },
    );
  });

  test("is none for what only goes up and down, and for a single sample", () => {
    expect(slope([1, 3, 3, 1])).toBe(0);
    expect(slope([7])).toBe(0);
  });
});

describe("a soak's CSV", () => {
  test("has a name for each number of a line, and whole numbers only", () => {
    const line = csvLine(3, { ...calm, lagP99Ms: 12.4, latenessP99Ms: 199.6 });
    expect(line).toBe("3,200000000,50000000,100,12,200,0,80,1");
    expect(header.split(",")).toHaveLength(line.split(",").length);
  });
});

describe("a soak", () => {
  test("in which nothing grows is fine, whatever it goes up and down in between", () => {
    const { growth, problems } = judge(minutes(60, (minute) => ({ heapBytes: 5e7 + (minute % 2) * 1e7 })));
    expect(problems).toEqual([]);
    expect(growth[2]).toBe("openFiles 0 an hour, 0.0 % over the time");
  });

  test.each(["rssBytes", "heapBytes", "openFiles"] as const)("fails when %s grew by more than a tenth", (column) => {
    const grown = (share: number) =>
      minutes(20, (minute) => ({ [column]: calm[column] * (1 + (share * minute) / 20) }));
    expect(judge(grown(0.09)).problems).toEqual([]);
    expect(judge(grown(0.11)).problems).toEqual([`${column} grew by 11.0 %`]);
  });

  test("E-47 of four hours fails when resident memory grew by more than 1 MB an hour; one of less does not", () => {
    const growing = (count: number) => minutes(count, (minute) => ({ rssBytes: 200_000_000 + minute * 20_000 }));
    expect(judge(growing(239)).problems).toEqual([]);
    expect(judge(growing(240)).problems).toEqual(["resident memory grew by 1200000 bytes an hour"]);
  });

  test("fails when a cluster that was never touched missed a cycle, however short it is", () => {
    const problem = ["2 cycles of clusters that were never touched were missed"];
    expect(judge(minutes(3, () => ({})).map((one, i) => ({ ...one, missed: i === 1 ? 2 : 0 }))).problems).toEqual(
      problem,
    );
    expect(judge(minutes(9, (minute) => ({ missed: minute === 5 ? 2 : 0 }))).problems).toEqual(problem);
  });
});
