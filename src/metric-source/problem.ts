// What is wrong with a MetricSource, and what is only worth a warning.

export interface SourceProblem {
  /** The field's path in the object, such as `spec.computed[2].expression`. */
  readonly field: string;
  /** Where in the field's text, in characters from 1; absent: the whole field. */
  readonly column?: number;
  /** A short stable name of the rule that was broken, such as `field-name-duplicate`. */
  readonly rule: string;
  /** Follows the field's name in a sentence, and says what would be right. */
  readonly message: string;
}

/** A problem as one line of text. */
export function problemText({ field, column, message }: SourceProblem): string {
  return column === undefined ? `${field} ${message}` : `${field} column ${column}: ${message}`;
}
