// Selectors and what they let through.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLabelSelector } from "../../../../src/simulator/http/selectors.ts";
import { statusOf } from "../../../support/api-status.ts";

describe("label selectors", () => {
  it("let through what a plain reading of them does", () => {
    const labels = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2", ""));
    const requirement = fc.record({
      key: fc.constantFrom("a", "b", "c"),
      op: fc.constantFrom("=", "==", "!=", "in", "notin", "exists", "absent"),
      values: fc.array(fc.constantFrom("1", "2", ""), { minLength: 1, maxLength: 2 }),
    });
    fc.assert(
      fc.property(labels, fc.array(requirement, { maxLength: 3 }), (own, requirements) => {
        const texts = requirements.map(({ key, op, values }) => {
          if (op === "exists") return key;
          if (op === "absent") return `!${key}`;
          return op === "in" || op === "notin" ? `${key} ${op} (${values.join(", ")})` : `${key}${op}${values[0]}`;
        });
        const wanted = requirements.every(({ key, op, values }) => {
          const value = Object.hasOwn(own, key) ? own[key] : undefined;
          const among = op === "in" || op === "notin" ? values : values.slice(0, 1);
          switch (op) {
            case "exists":
              return value !== undefined;
            case "absent":
              return value === undefined;
            case "!=":
            case "notin":
              return value === undefined || !among.includes(value);
            default:
              return value !== undefined && among.includes(value);
          }
        });
        const matcher = parseLabelSelector(texts.join(","));
        expect(matcher === undefined ? true : matcher(own)).toBe(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it("are refused when they do not parse", () => {
    for (const text of ["a=b=c", "a in 1", "a in (1", "=x", "!", "a,,b", "a>1", "x".repeat(5000)]) {
      expect(statusOf(() => parseLabelSelector(text))).toBe(400);
    }
  });
});
