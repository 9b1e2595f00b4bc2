import { expect, test } from "vitest";
import { ClusterPulseError, safeError } from "../../../src/support/errors.ts";
import { createLogger } from "../../../src/support/log.ts";

function logged(fields: object): Record<string, unknown> {
  const lines: string[] = [];
  createLogger({ level: "info", stream: { write: (line) => void lines.push(line) } }).info(fields, "message");
  return JSON.parse(lines[0] ?? "{}") as Record<string, unknown>;
}

test("an error of the hub keeps its code and message", () => {
  expect(logged({ err: new ClusterPulseError("STORE_DOWN", "no connection") })["err"]).toEqual({
    code: "STORE_DOWN",
    message: "no connection",
  });
});

test("of a foreign error nothing is left that it may quote", () => {
  const foreign = Object.assign(new Error("AUTH canary"), {
    command: { args: ["canary"] },
    headers: { authorization: "canary" },
    cause: new Error("canary"),
  });
  expect(JSON.stringify(logged({ err: foreign }))).not.toContain("canary");
  expect(logged({ err: "canary" })["err"]).toEqual({ code: "UNEXPECTED", message: "a thrown string" });
});

test("an error that was made safe before is logged as it is", () => {
  const error = safeError(new ClusterPulseError("STORE_DOWN", "no connection"));
  expect(logged({ error })["error"]).toEqual({ code: "STORE_DOWN", message: "no connection" });
});
