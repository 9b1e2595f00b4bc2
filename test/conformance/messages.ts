// What is published over Redis: as it was recorded, and as the hub publishes it. Of each kind of message about each subject the newest
// counts: the first ones of a run depend on what was polled first. Only Redis can be listened to.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";

/** Newest message by its item: `cluster-events/cluster.reconciled/prod`. */
export type Messages = ReadonlyMap<string, unknown>;

/** Everything that `pubsub.jsonl` in the folder holds, by item; empty without that file. */
export function readMessages(folder: string): Messages {
  const file = join(folder, "pubsub.jsonl");
  const messages = new Map<string, unknown>();
  if (!existsSync(file)) return messages;
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line.trim() === "") continue;
    const { channel, message } = JSON.parse(line) as { channel: string; message: string };
    keep(messages, channel, message);
  }
  return messages;
}

export interface Listener {
  /** Stops listening; everything that was published before this call is in the answer. Undefined: there was nothing to listen to. */
  heard(): Promise<Messages | undefined>;
  close(): void;
}

/** Listens to the channels of these items from the moment it resolves. @param storeUrl `memory` or a redis:// URL */
export async function listen(storeUrl: string, items: Iterable<string>): Promise<Listener> {
  const channels = [...new Set([...items].map((item) => item.slice(0, item.indexOf("/"))))];
  if (!storeUrl.startsWith("redis") || channels.length === 0) {
    return { heard: () => Promise.resolve(undefined), close: () => {} };
  }
  const messages = new Map<string, unknown>();
  const redis = new Redis(storeUrl, { commandTimeout: 5_000, maxRetriesPerRequest: 1 });
  redis.on("error", () => undefined);
  redis.on("message", (channel: string, message: string) => keep(messages, channel, message));
  await redis.subscribe(...channels);
  return {
    async heard() {
      // Answered on the same connection behind every message.
      await redis.unsubscribe();
      return messages;
    },
    close: () => redis.disconnect(),
  };
}

interface Message {
  readonly type?: string;
  readonly action?: string;
  readonly cluster?: string;
  readonly sourceId?: string;
  readonly policy?: string;
}

function keep(messages: Map<string, unknown>, channel: string, text: string): void {
  const message = JSON.parse(text) as Message;
  const { type, action, cluster, sourceId, policy } = message;
  messages.set(`${channel}/${type ?? action}/${cluster ?? sourceId ?? policy}`, message);
}

/**
 * Whether a run of the fleet can publish this again: agents that push are no part of it, and nothing is deleted in it.
 * @param polled the clusters that the hub polls
 */
export function isRepeated(item: string, polled: readonly string[]): boolean {
  const [, type = "", subject = ""] = item.split("/");
  if (/(?:^|\.)deleted$/.test(type)) return false;
  return !type.startsWith("cluster.") || polled.includes(subject);
}
