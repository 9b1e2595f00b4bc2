// Answers spoilt in the ways that real servers and proxies spoil them: their bytes here, what they say in shapes.ts.
import { isShape, misshapen, type Shape } from "./shapes.ts";

export const byteSpoilers = ["json", "html", "gzip", "flippedByte", "contentType", "bom", "nan"] as const;

/** What is wrong with an answer. */
export interface Garbage {
  readonly variant: (typeof byteSpoilers)[number] | Shape;
  /** Of flippedByte: which one; undefined: the middle one. */
  readonly atByte: number | undefined;
  /** Of missingField and nullField: a path with dots, such as `status.phase`. */
  readonly field: string;
  /** Of missingGroup: the API group. */
  readonly group: string;
  /** Of huge. */
  readonly sizeMib: number;
  /** Times in the future are counted from here. */
  readonly nowMs: number;
}

export const portalPage =
  "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in to continue.</body></html>\n";

/** The content type and the body before it is encoded. What is not JSON keeps its shape. */
export function spoilt(garbage: Garbage, path: string, contentType: string, bytes: Buffer): [string, Buffer] {
  const { variant } = garbage;
  if (isShape(variant)) return [contentType, reshaped(garbage, path, bytes)];
  switch (variant) {
    case "json":
      return [contentType, flipped(bytes, 0, 0x5a)];
    case "html":
      return ["text/html; charset=utf-8", Buffer.from(portalPage)];
    case "gzip":
      return [contentType, bytes];
    case "flippedByte":
      return [contentType, flipped(bytes, garbage.atByte ?? bytes.length >> 1, 0x01)];
    case "contentType":
      return ["text/plain; charset=utf-8", bytes];
    case "bom":
      return [contentType, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])];
    case "nan":
      return [contentType, Buffer.from(bytes.toString().replace(/(":)(\d+)(?=[,}])/, "$1NaN"))];
  }
}

function flipped(bytes: Buffer, at: number, mask: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = (copy[at] as number) ^ mask;
  return copy;
}

function reshaped(garbage: Garbage, path: string, bytes: Buffer): Buffer {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return bytes;
  }
  if (typeof value !== "object" || value === null) return bytes;
  return Buffer.from(JSON.stringify(misshapen(garbage, path, value as Record<string, unknown>)));
}

/** Gzip that does not inflate: the middle is damaged, and so is the checksum. */
export function damagedGzip(gzipped: Buffer): Buffer {
  const copy = Buffer.from(gzipped);
  for (const at of [copy.length >> 1, copy.length - 6]) copy[at] = (copy[at] as number) ^ 0xff;
  return copy;
}
