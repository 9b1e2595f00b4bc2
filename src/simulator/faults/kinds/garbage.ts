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
      about: "what is wrong",
      says: {
        json: "the first byte: it is no JSON",
        html: "a sign-in page in its place",
        gzip: "gzip that does not inflate",
        flippedByte: "one bit of one byte, also of protobuf",
        contentType: "text/plain",
        bom: "a byte order mark before it",
        nan: "NaN for a number",
        missingGroup: "an API group is not in discovery, and 404",
        partialDiscovery: "groups are stale and without resources",
        oddVersion: "/version says 29+ and v1.29.6-odd.1+abc123",
        duplicateItem: "the first item of lists twice",
        missingField: "a field is not there",
        nullField: "a field is null",
        unknownPhase: "status.phase is one that nobody knows",
        futureTime: "created in ten years",
        oddNames: "long names with control characters",
        huge: "one object is so large",
        versionBack: "resourceVersions a thousand lower, as after a restore of etcd",
        versionText: "resourceVersions that are no numbers",
        versionSame: "every resourceVersion is 1, whatever changed",
      },
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
