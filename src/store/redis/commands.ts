// Documents as Redis commands, and what the replies say about them. Pure. Each list of commands leaves the same however often
// it is repeated. Values that follow each other go in one command: hundreds of small ones cost the client more than the server.
import type { ClusterPulseError } from "../../support/errors.ts";
import type { Document, StoredValue } from "../document.ts";
import { hubKeys } from "../keys.ts";
import type { Command, Reply } from "./connection.ts";
import { rewriteReply } from "./errors.ts";
import { appendLog2, putValues, replaceSet1 } from "./scripts.ts";

/** Documents that are commands of their own; deleting by prefix needs answers in between. */
export type PlainDocument = Exclude<Document, { kind: "delete-prefix" }>;

type ValueDocument = Extract<PlainDocument, { kind: "string" | "hash" | "series" }>;

/** Documents and the commands that apply them, in order. */
export interface Piece {
  readonly documents: readonly PlainDocument[];
  readonly commands: readonly Command[];
}

/**
 * Ids of a log are remembered for this many entries more than are kept: a batch that is repeated as a whole finds all of its own,
 * also those of entries that were cut.
 */
const idsBeyondEntries = 500;

/** The documents in order, in as few commands as keep it. */
export function piecesOf(documents: readonly PlainDocument[]): Piece[] {
  const pieces: Piece[] = [];
  let values: ValueDocument[] = [];
  const endValues = (): void => {
    if (values.length > 0) pieces.push({ documents: values, commands: [putCommand(values)] });
    values = [];
  };
  for (const document of documents) {
    if (isValue(document)) values.push(document);
    else {
      endValues();
      pieces.push({ documents: [document], commands: commandsFor(document) });
    }
  }
  endValues();
  return pieces;
}

/** For each document of the piece why it was refused; undefined: it was not. */
export function refusalsIn(
  { documents }: Piece,
  replies: readonly Reply[],
): readonly (ClusterPulseError | undefined)[] {
  const refused = replies.find((reply) => "refused" in reply)?.refused;
  const [first] = documents;
  if (refused !== undefined || first === undefined || !isValue(first)) return documents.map(() => refused);
  const answers = answerOf(replies[0]) as readonly unknown[];
  // Beyond the last answer nothing was tried.
  return documents.map((_document, i) => {
    const answer = i < answers.length ? answers[i] : answers.at(-1);
    return answer === 1 ? undefined : rewriteReply(String(answer));
  });
}

const isValue = (document: PlainDocument): document is ValueDocument =>
  document.kind === "string" || document.kind === "hash" || document.kind === "series";

function putCommand(documents: readonly ValueDocument[]): Command {
  const args: (string | Buffer)[] = [];
  for (const document of documents) {
    const values = valuesOf(document);
    args.push(
      document.kind,
      String(values.length + 1),
      document.ttlSeconds === null ? "" : seconds(document.ttlSeconds),
    );
    args.push(...values);
  }
  return ["evalsha", putValues.sha, String(documents.length), ...documents.map(({ key }) => key), ...args];
}

function valuesOf(document: ValueDocument): (string | Buffer)[] {
  switch (document.kind) {
    case "string":
      return [argument(document.value)];
    case "hash":
      return Object.entries(document.fields).flatMap(([name, value]) => [name, argument(value)]);
    case "series":
      return [String(document.score), argument(document.member), String(document.dropThroughScore)];
  }
}

function commandsFor(document: Exclude<PlainDocument, ValueDocument>): readonly Command[] {
  switch (document.kind) {
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
export function mayHaveChanged(document: PlainDocument, replies: readonly Reply[]): boolean {
  switch (document.kind) {
    case "publish":
      return false;
    case "index":
    case "log":
    case "delete":
      return replies.some((reply) => answerOf(reply) !== 0);
    case "set":
      return document.members.length > 0 || answerOf(replies[0]) !== 0;
    case "string":
    case "hash":
    case "series":
      return true;
  }
}

function answerOf(reply: Reply | undefined): unknown {
  return reply !== undefined && "value" in reply ? reply.value : undefined;
}

function argument(value: StoredValue): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function seconds(ttlSeconds: number): string {
  return String(Math.max(1, Math.ceil(ttlSeconds)));
}
