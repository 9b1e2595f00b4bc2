/** By id; each takes a context, name to value. */
export const expressions: Readonly<Record<string, (context: Record<string, unknown>) => unknown>>;
