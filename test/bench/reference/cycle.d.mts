export const cycle: (
  request: (path: string) => Promise<{ headers: Record<string, unknown>; bytes: Buffer }>,
  pipeline: (writes: readonly [string, string][]) => Promise<unknown>,
) => Promise<void>;
