// One document as Redis commands, and what the replies say about it. Pure. Each list of commands leaves the same however often
// it is repeated.
import type { Document, StoredValue } from "../document.ts";
import { hubKeys } from "../keys.ts";
import { appendLog2, replaceSet1 } from "./scripts.ts";

/** Name and arguments. */
export type Command = readonly [name: string, ...args: (string | Buffer)[]];

/** Documents that are commands of their own; deleting by prefix needs answers in between. */
export type PlainDocument = Exclude<Document, { kind: "delete-prefix" }>;

/**
 * Ids of a log are remembered for this many entries more than are kept: a batch that is repeated as a whole finds all of its own,
 * also those of entries that were cut.
 */
const idsBeyondEntries = 500;

export function commandsFor(document: PlainDocument): readonly Command[] {
  switch (document.kind) {
    case "string": {
      const { key, value, ttlSeconds } = document;
      return [
        ttlSeconds === null ? ["set", key, argument(value)] : ["set", key, argument(value), "EX", seconds(ttlSeconds)],
      ];
    }
    case "hash": {
      const { key, ttlSeconds } = document;
      const fields = Object.entries(document.fields).flatMap(([name, value]) => [name, argument(value)]);
      const expiry: Command = ttlSeconds === null ? ["persist", key] : ["expire", key, seconds(ttlSeconds)];
      return fields.length === 0 ? [expiry] : [["hset", key, ...fields], expiry];
    }
    case "set": {
      const { key, members, ttlSeconds } = document;
      if (members.length === 0) return [["unlink", key]];
      return [["evalsha", replaceSet1.sha, "1", key, ttlSeconds === null ? "" : seconds(ttlSeconds), ...members]];
    }
    case "index": {
      const { key, add, remove } = document;
      const commands: Command[] = [];
      if (add.length > 0) commands.push(["sadd", key, ...add]);
      if (remove.length > 0) commands.push(["srem", key, ...remove]);
      return commands;
    }
    case "series": {
      const { key, score, member, dropThroughScore, ttlSeconds } = document;
      return [
        ["zadd", key, String(score), argument(member)],
        ["zremrangebyscore", key, "-inf", String(dropThroughScore)],
        ["expire", key, seconds(ttlSeconds)],
      ];
    }
    case "log": {
      const { key, id, entry, maxEntries, ttlSeconds } = document;
      const kept = [String(maxEntries), String(maxEntries + idsBeyondEntries)];
      return [
        ["evalsha", appendLog2.sha, "2", key, hubKeys.idsOf(key), id, argument(entry), ...kept, seconds(ttlSeconds)],
      ];
    }
    case "delete":
      return [["unlink", document.key]];
    case "publish":
      return [["publish", document.channel, argument(document.message)]];
  }
}

/** Whether a reader may see a difference, as far as the replies tell without asking more. */
export function mayHaveChanged(document: PlainDocument, replies: readonly unknown[]): boolean {
  switch (document.kind) {
    case "publish":
      return false;
    case "index":
    case "log":
    case "delete":
      return replies.some((reply) => reply !== 0);
    case "set":
      return document.members.length > 0 || replies[0] !== 0;
    case "string":
    case "hash":
    case "series":
      return true;
  }
}

/** About as many bytes as the command takes on the wire. */
export function bytesOf(command: Command): number {
  let bytes = 16;
  for (const part of command) bytes += part.length + 8;
  return bytes;
}

function argument(value: StoredValue): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function seconds(ttlSeconds: number): string {
  return String(Math.max(1, Math.ceil(ttlSeconds)));
}
