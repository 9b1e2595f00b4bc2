// What one expression may cost. Every limit is checked where it would be passed, and the message names it.
import { ClusterPulseError } from "../../support/errors.ts";

/** Characters of an expression's text. */
export const maxExpressionLength = 4096;
/** How deep groups and unary operators may be nested. */
export const maxNesting = 64;
/** How deep calls may be nested: more than groups, since the original's own sources do (docs/decisions/0012). */
export const maxCallNesting = 128;
/** Characters of a text that an expression makes. Texts that it only passes on may be longer. */
export const maxTextLength = 65_536;
/** Characters that the text functions of one evaluation may read and write together. */
export const maxTextSteps = 1_048_576;
/** Problems reported for one expression. */
export const maxProblems = 20;

/** An evaluation was stopped by a limit; the message says by which. Codes: EXPRESSION_TEXT_LIMIT, EXPRESSION_STEP_LIMIT. */
export class ExpressionLimitError extends ClusterPulseError {
  constructor(code: "EXPRESSION_TEXT_LIMIT" | "EXPRESSION_STEP_LIMIT", message: string) {
    super(code, message);
    this.name = "ExpressionLimitError";
  }
}

/** Counts what the text functions of one evaluation read and write. */
export class TextMeter {
  private steps = 0;

  reset(): void {
    this.steps = 0;
  }

  /** Charges for a text that was read or made. Throws ExpressionLimitError once an evaluation has had too much. */
  read(text: string): string {
    this.steps += text.length;
    if (this.steps > maxTextSteps) {
      throw new ExpressionLimitError(
        "EXPRESSION_STEP_LIMIT",
        `stopped: the functions of one evaluation may work on ${maxTextSteps} characters together`,
      );
    }
    return text;
  }

  /** Charges for a text that was made, and bounds it. */
  made(text: string): string {
    if (text.length > maxTextLength) {
      throw new ExpressionLimitError(
        "EXPRESSION_TEXT_LIMIT",
        `stopped: a text made by an expression may have ${maxTextLength} characters, this one would have ${text.length}`,
      );
    }
    return this.read(text);
  }
}
