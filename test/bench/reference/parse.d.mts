export function parseWhole(buffer: Buffer): unknown;
