// Puts documents into Redis: pipelines of bounded size, in order, each followed by word of what changed. Beside the documents it
// keeps the registry of every object's keys, so that deleting an object looks at its own keys and no others, and the hub's mark,
// whose absence tells that the server has lost its data.
import type { Clock } from "../../support/clock.ts";
import { ClusterPulseError } from "../../support/errors.ts";
import { bytesOf, type ChangeListener, type Document, nothingWritten, writtenBy } from "../document.ts";
import { hubKeys, objectOf } from "../keys.ts";
import { mayHaveChanged, type Piece, type PlainDocument, piecesOf, refusalsIn } from "./commands.ts";
import type { Command, RedisConnection, Reply, Run } from "./connection.ts";
import { byObject, type KeyLedger } from "./key-ledger.ts";
import { scripts } from "./scripts.ts";

export interface RedisWriterOptions {
  readonly connection: RedisConnection;
  readonly ledger: KeyLedger;
  readonly clock: Clock;
  /** Name of this hub among those that share the Redis. */
  readonly owner: string;
  readonly announce: ChangeListener;
  /** The server answered as one that this hub never wrote to, although it did. */
  onDataLoss(): void;
}

export const pipelineLimits = { documents: 500, bytes: 1024 * 1024, keysPerDelete: 500, markEveryMs: 60_000 } as const;

interface Chunk {
  readonly documents: readonly PlainDocument[];
}

export class RedisWriter {
  readonly #options: RedisWriterOptions;
  /** When the mark was last written; undefined: not yet on this connection. */
  #markedAtMs: number | undefined;
  #everMarked = false;

  constructor(options: RedisWriterOptions) {
    this.#options = options;
  }

  /** A new connection, which may be to a server that remembers less. */
  connected(): void {
    this.#markedAtMs = undefined;
    this.#options.ledger.forgetRegistrations();
  }

  /** Applies the documents in order; stops at the first piece that was not taken as a whole. */
  async apply(documents: readonly Document[], signal: AbortSignal): Promise<void> {
    for (const step of steps(documents)) {
      if (signal.aborted) throw new ClusterPulseError("STORE_ABORTED", "The write was aborted.");
      if ("prefix" in step) await this.#deletePrefix(step.prefix, signal);
      else await this.#write(step);
    }
  }

  async #write({ documents }: Chunk): Promise<void> {
    const { connection, ledger, clock, owner } = this.#options;
    const nowMs = clock.monotonicMs();
    const gone = ledger.goneRegistrations(pipelineLimits.keysPerDelete);
    const fresh = byObject(
      new Set(
        documents.flatMap((document) =>
          isKept(document) && ledger.needsRegistration(document.key) ? document.key : [],
        ),
      ),
    );
    const isMarkDue = this.#markedAtMs === undefined || nowMs - this.#markedAtMs >= pipelineLimits.markEveryMs;

    // Registered before it is written: should the connection break in between, a key is known that does not exist, and not the reverse.
    const head: Command[] = isMarkDue
      ? [["hset", hubKeys.owners, owner, String(Math.floor(clock.nowMs() / 1000))]]
      : [];
    for (const [object, keys] of gone) head.push(["srem", hubKeys.keysOf(object), ...keys]);
    if (fresh.size > 0) head.push(["sadd", hubKeys.owned(owner), ...fresh.keys()]);
    for (const [object, keys] of fresh) head.push(["sadd", hubKeys.keysOf(object), ...keys]);

    const pieces = piecesOf(documents);
    const commands = [...head, ...pieces.flatMap((piece) => piece.commands)];
    let replies = await connection.run(commands);
    const mark = replies[0];
    if (replies.some((reply) => "refused" in reply && reply.refused.code === "STORE_NO_SCRIPT")) {
      await loadScripts(connection.run);
      replies = await connection.run(commands);
    }
    const headRefusal = refusalIn(replies.slice(0, head.length));
    if (headRefusal === undefined) ledger.forgot(gone);
    const refusal = this.#settle(pieces, replies.slice(head.length), headRefusal === undefined, clock.monotonicMs());
    if (isMarkDue && headRefusal === undefined) this.#marked(nowMs, mark);
    const first = headRefusal ?? refusal;
    if (first !== undefined) throw this.#refused(first);
  }

  /** Notes and announces what was applied; returns the first refusal. */
  #settle(
    pieces: readonly Piece[],
    replies: readonly Reply[],
    registered: boolean,
    nowMs: number,
  ): ClusterPulseError | undefined {
    const { ledger, announce } = this.#options;
    const changed: Exclude<PlainDocument, { kind: "publish" }>[] = [];
    let first: ClusterPulseError | undefined;
    let at = 0;
    for (const piece of pieces) {
      const own = replies.slice(at, at + piece.commands.length);
      at += piece.commands.length;
      const refusals = refusalsIn(piece, own);
      for (const [i, document] of piece.documents.entries()) {
        const refusal = refusals[i];
        if (refusal !== undefined) {
          first ??= withKey(refusal, document);
          continue;
        }
        if (document.kind === "publish") continue;
        if (!isKept(document)) ledger.deleted(document.key);
        else if (registered) ledger.written(document.key, expiryOf(document, nowMs));
        if (mayHaveChanged(document, own)) changed.push(document);
      }
    }
    if (changed.length > 0) announce([...new Set(changed.map(({ key }) => key))], writtenBy(changed));
    return first;
  }

  /** Deletes what the object's registry holds below the prefix, in pieces; the registry itself goes with the whole object. */
  async #deletePrefix(prefix: string, signal: AbortSignal): Promise<void> {
    const object = objectOf(prefix);
    if (object === undefined || !prefix.endsWith(":")) {
      throw new ClusterPulseError(
        "STORE_BAD_PREFIX",
        `A prefix to delete must end with ":" after two words or more, got "${prefix}".`,
      );
    }
    const { connection, ledger, owner, announce } = this.#options;
    const registry = hubKeys.keysOf(object);
    let cursor = "0";
    do {
      if (signal.aborted) throw new ClusterPulseError("STORE_ABORTED", "The write was aborted.");
      const page = await connection.call(["sscan", registry, cursor, "COUNT", String(pipelineLimits.keysPerDelete)]);
      const [next, members] = page as [string, string[]];
      const keys = members.filter((key) => key.startsWith(prefix));
      for (let i = 0; i < keys.length; i += pipelineLimits.keysPerDelete) {
        const piece = keys.slice(i, i + pipelineLimits.keysPerDelete);
        await this.#runAll([
          ["unlink", ...piece],
          ["srem", registry, ...piece],
        ]);
        ledger.deletedWithRegistration(piece);
        announce(piece, nothingWritten);
      }
      cursor = next;
    } while (cursor !== "0");
    if (prefix === `${object}:`)
      await this.#runAll([
        ["unlink", registry],
        ["srem", hubKeys.owned(owner), object],
      ]);
  }

  async #runAll(commands: readonly Command[]): Promise<void> {
    const refusal = refusalIn(await this.#options.connection.run(commands));
    if (refusal !== undefined) throw this.#refused(refusal);
  }

  #marked(nowMs: number, reply: Reply | undefined): void {
    const { ledger, onDataLoss } = this.#options;
    const isNew = reply !== undefined && "value" in reply && reply.value === 1;
    this.#markedAtMs = nowMs;
    if (isNew && this.#everMarked) {
      ledger.forgetRegistrations();
      onDataLoss();
    }
    this.#everMarked = true;
  }

  /** A replica that was the master: another connection may reach the new one. */
  #refused(refusal: ClusterPulseError): ClusterPulseError {
    if (refusal.code === "STORE_READ_ONLY") this.#options.connection.reset(refusal);
    return refusal;
  }
}

/** Loads the scripts; a server forgets them with SCRIPT FLUSH and with a restart. */
export async function loadScripts(run: Run): Promise<void> {
  const refusal = refusalIn(await run(scripts.map(({ lua }): Command => ["script", "LOAD", lua])));
  if (refusal !== undefined) throw refusal;
}

/** What fits one pipeline, and the prefixes to delete between. */
function* steps(documents: readonly Document[]): Generator<Chunk | { readonly prefix: string }> {
  let chunk: PlainDocument[] = [];
  let bytes = 0;
  for (const document of documents) {
    const size = bytesOf(document);
    const isFull = chunk.length === pipelineLimits.documents || bytes + size > pipelineLimits.bytes;
    if (chunk.length > 0 && (isFull || document.kind === "delete-prefix")) {
      yield { documents: chunk };
      chunk = [];
      bytes = 0;
    }
    if (document.kind === "delete-prefix") yield { prefix: document.prefix };
    else {
      chunk.push(document);
      bytes += size;
    }
  }
  if (chunk.length > 0) yield { documents: chunk };
}

/** Whether a key is there after the document. */
function isKept(document: PlainDocument): document is Exclude<PlainDocument, { kind: "delete" | "publish" }> {
  if (document.kind === "set") return document.members.length > 0;
  return document.kind !== "delete" && document.kind !== "publish";
}

function expiryOf(document: Exclude<PlainDocument, { kind: "delete" | "publish" }>, nowMs: number): number | null {
  if (document.kind === "index" || document.ttlSeconds === null) return null;
  return nowMs + Math.max(1, Math.ceil(document.ttlSeconds)) * 1000;
}

function refusalIn(replies: readonly Reply[]): ClusterPulseError | undefined {
  for (const reply of replies) if ("refused" in reply) return reply.refused;
  return undefined;
}

function withKey(refusal: ClusterPulseError, document: PlainDocument): ClusterPulseError {
  const where = document.kind === "publish" ? `channel "${document.channel}"` : `key "${document.key}"`;
  return new ClusterPulseError(refusal.code, `${refusal.message.slice(0, -1)} (${document.kind}, ${where}).`);
}
