import { describe, expect, it } from "vitest";
import { seriesText } from "../../../src/server/metrics-text.ts";

describe("the Prometheus text of a metric", () => {
  it("has a head and one line for each sample", () => {
    const text = seriesText("m_total", "counter", "Help.", [
      [{}, 1],
      [{ kind: "cluster", state: "running" }, 2.5],
    ]);
    expect(text).toBe(
      '# HELP m_total Help.\n# TYPE m_total counter\nm_total 1\nm_total{kind="cluster",state="running"} 2.5\n',
    );
    expect(seriesText("m", "gauge", "Help.", [])).toBe("# HELP m Help.\n# TYPE m gauge\n");
  });

  it("escapes whatever a label holds", () => {
    expect(seriesText("m", "gauge", "H.", [[{ cluster: 'a"b\\c\nd' }, 0]])).toContain(
      'm{cluster="a\\"b\\\\c\\nd"} 0\n',
    );
  });

  it("writes numbers that are not finite as Prometheus reads them", () => {
    const text = seriesText("m", "gauge", "H.", [
      [{}, Number.NaN],
      [{}, Number.POSITIVE_INFINITY],
      [{}, Number.NEGATIVE_INFINITY],
    ]);
    expect(text).toMatch(/m NaN\nm \+Inf\nm -Inf\n$/);
  });
});
