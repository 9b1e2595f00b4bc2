import { expect, test } from "vitest";
import { joinMetrics, ProcessMetrics, type Traffic } from "../../../../src/simulator/admin/metrics.ts";
import { AnswerCounts, maxKinds } from "../../../../src/simulator/http/answer-counts.ts";

const traffic: Traffic = {
  answers: [{ verb: "list", resource: "pods", code: "200", count: 3 }],
  received: 4,
  watches: 2,
  connections: 1,
  sentBytes: 1_000,
  receivedBytes: 100,
  fired: new Map([["hang", 1]]),
  faulty: new Map([["hang", 1]]),
  refusedRules: 0,
};
const textOf = (name: string, change: Partial<Traffic> = {}): string => {
  const metrics = new ProcessMetrics(name);
  try {
    return metrics.text({ ...traffic, ...change });
  } finally {
    metrics.close();
  }
};
const samplesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("a process's metrics are a text that Prometheus reads, each with its help and type once", () => {
  const text = textOf("1");
  expect(text.endsWith("\n")).toBe(true);
  const named = [...text.matchAll(/^# TYPE (\S+) (?:counter|gauge)$/gm)].map(([, name]) => name);
  expect(named).toEqual([...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name));
  expect(new Set(named).size).toBe(named.length);
  for (const line of samplesOf(text))
    expect(line).toMatch(/^clusterpulse_simulator_\w+(\{(\w+="[^"]*",?)+\})? \d+(\.\d+)?$/);
  expect(text).toContain('clusterpulse_simulator_requests_total{verb="list",resource="pods",code="200"} 3\n');
});

test("values of labels are escaped", () => {
  const text = textOf("1", { answers: [{ verb: "get", resource: 'a"b\\c\nd', code: "404", count: 1 }] });
  expect(text).toContain('resource="a\\"b\\\\c\\nd",code="404"} 1\n');
});

test("texts of several processes become one: what has the same labels is added, what is of one process stays", () => {
  const joined = joinMetrics([textOf("1"), textOf("2", { fired: new Map([["reset", 5]]) })]);
  const samples = samplesOf(joined);
  expect(new Set(samples.map((line) => line.replace(/ \S+$/, ""))).size).toBe(samples.length);
  expect(samples).toContain('clusterpulse_simulator_requests_total{verb="list",resource="pods",code="200"} 6');
  expect(samples).toContain("clusterpulse_simulator_watches_open 4");
  expect(samples).toContain('clusterpulse_simulator_faults_fired_total{fault="hang"} 1');
  expect(samples).toContain('clusterpulse_simulator_faults_fired_total{fault="reset"} 5');
  for (const name of ["1", "2"])
    expect(
      samples.filter((line) => line.startsWith(`clusterpulse_simulator_cpu_seconds_total{process="${name}"}`)),
    ).toHaveLength(1);
  expect(joined.match(/^# TYPE clusterpulse_simulator_requests_total /gm)).toHaveLength(1);
  expect(joinMetrics([textOf("1")]).split("\n").length).toBe(textOf("1").split("\n").length);
});

test("answers of more kinds than are kept count as others", () => {
  const counts = new AnswerCounts();
  for (let i = 0; i < maxKinds; i++) counts.answered("get", `things${i}`, 200);
  expect(counts.list()).toHaveLength(maxKinds);
  counts.answered("get", "one-too-many", 200);
  counts.answered("get", "two-too-many", 404);
  counts.answered("get", "things0", 200);
  expect(counts.list()).toHaveLength(maxKinds + 1);
  expect(counts.list()).toContainEqual({ verb: "other", resource: "other", code: "0", count: 2 });
  expect(counts.list()).toContainEqual({ verb: "get", resource: "things0", code: "200", count: 2 });
});
