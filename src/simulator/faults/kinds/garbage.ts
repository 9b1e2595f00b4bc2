// Answers that are not what they should be: bytes that do not parse, and JSON of another shape.
import { byteSpoilers } from "../../http/garbage.ts";
import { isShape, shapes } from "../../http/shapes.ts";
import { apiErrors } from "../../http/status.ts";
import { bytes, faultKind } from "./kind.ts";

const pathPattern = /^[\w.-]{1,200}$/;

export const garbage = faultKind({
  looks: "the answer is not what it should be; lines of watches neither",
  traffic: "requests",
  parameters: {
    variant: {
      kind: "choice",
      choices: [...byteSpoilers, ...shapes],
      otherwise: "json",
      about:
        "no JSON, a page, gzip that does not inflate, one byte changed, a wrong content type, a byte order mark, NaN; a group missing in discovery, discovery of groups alone, an odd /version, an item twice, a field missing or null, a phase that nobody knows, creation in the future, odd names, an object of sizeMib; resourceVersions that go back, are no number, or never change",
    },
    atByte: { ...bytes, about: "of flippedByte: which one; the middle one unless told" },
    field: {
      kind: "text",
      maxLength: 200,
      parts: { pattern: pathPattern, says: "a path with dots, such as status.phase" },
      otherwise: "status",
      about: "of missingField and nullField: which one",
    },
    group: {
      kind: "text",
      maxLength: 200,
      parts: { pattern: pathPattern, says: "the name of an API group" },
      otherwise: "metrics.k8s.io",
      about: "of missingGroup: which one",
    },
    sizeMib: { ...bytes, low: 1, high: 256, unit: "MiB", otherwise: 8, about: "of huge: how large" },
  },
  behave: (values, { clock }) => {
    const { variant, group } = values;
    return {
      jsonOnly: isShape(variant) || variant === "nan",
      ...(variant === "missingGroup" && {
        request: ({ path }) =>
          path === `/apis/${group}` || path.startsWith(`/apis/${group}/`)
            ? { type: "refuse", error: apiErrors.unknownPath() }
            : { type: "pass" },
      }),
      body: () => ({ type: "garbage", garbage: { ...values, nowMs: clock.nowMs() } }),
    };
  },
});
