// The one error family of the hub. Every failure that leaves a room is one of these, with a stable code that tests,
// conditions and metrics may rely on, and a message that is safe to log, store and show.
// What it does not do: carry a foreign error along. A client's error may hold headers, commands or tokens.

const brand = Symbol.for("clusterpulse.error");

/** Base class of all errors of the hub. `code` is stable and UPPER_SNAKE; `message` never holds a credential or a response body. */
export class ClusterPulseError extends Error {
  readonly code: string;
  readonly [brand] = true;

  constructor(code: string, message: string) {
    super(message);
    this.name = "ClusterPulseError";
    this.code = code;
  }

  /** True for errors of this family, also across two loaded copies of this module. */
  static is(value: unknown): value is ClusterPulseError {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** A configuration or input that is wrong. `problems` lists every one found, each naming its field and what would be right. */
export class InvalidInputError extends ClusterPulseError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super("INVALID_INPUT", problems.join("; "));
    this.name = "InvalidInputError";
    this.problems = problems;
  }
}

/** What may be said of any thrown value: an allow-list of members, so that nothing a client attached to its error gets out. */
export interface SafeError {
  readonly code: string;
  readonly message: string;
}

const ownFrame = /((?:src|actors|workers|test)\/[\w./-]+\.ts:\d+:\d+)/;

/**
 * Rewrites any thrown value into a code and a message that are safe to log, store and show.
 * Errors of this family keep both. Of a foreign error only its class name and the first of our own stack frames remain:
 * its message may quote what it was given.
 */
export function safeError(value: unknown): SafeError {
  if (ClusterPulseError.is(value)) return { code: value.code, message: value.message };
  if (!(value instanceof Error)) return { code: "UNEXPECTED", message: `a thrown ${typeof value}` };
  const frame = ownFrame.exec(value.stack ?? "")?.[1];
  const name = /^[A-Za-z]{1,64}$/.test(value.name) ? value.name : "Error";
  return { code: "UNEXPECTED", message: frame === undefined ? name : `${name} at ${frame}` };
}
