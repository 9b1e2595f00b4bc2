// Answers spoilt in the ways that real servers and proxies spoil them.
import type { GarbageVariant } from "../faults/parameters.ts";

export const portalPage =
  "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in to continue.</body></html>\n";

/** The body before it is encoded: a first byte that no parser takes, or a page that somebody else put in its place. */
export function spoilt(variant: GarbageVariant, contentType: string, bytes: Buffer): [string, Buffer] {
  switch (variant) {
    case "json": {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[0] = (copy[0] as number) ^ 0x5a;
      return [contentType, copy];
    }
    case "html":
      return ["text/html; charset=utf-8", Buffer.from(portalPage)];
    case "gzip":
      return [contentType, bytes];
  }
}

/** Gzip that does not inflate: the middle is damaged, and so is the checksum. */
export function damagedGzip(gzipped: Buffer): Buffer {
  const copy = Buffer.from(gzipped);
  for (const at of [copy.length >> 1, copy.length - 6]) copy[at] = (copy[at] as number) ^ 0xff;
  return copy;
}
