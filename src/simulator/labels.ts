// How people call what they keep in a simulator: fault rules, snapshots. Pure.
const pattern = /^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/;

export const isLabel = (text: unknown): text is string => typeof text === "string" && pattern.test(text);

/** What is said of one that is none, behind the name of its field. */
export const labelRule =
  "must be 1 to 63 letters, digits, dots, dashes and underscores, with a letter or digit at both ends";
