// A client of an event stream: parses events as they come and lets a test wait for them.
import { get, type IncomingMessage } from "node:http";

export interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

export interface EventReader {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly events: readonly ReadEvent[];
  readonly comments: readonly string[];
  readonly text: () => string;
  /** Resolves with the first event, from `from` on, that fits. */
  until(fits: (event: ReadEvent) => boolean, from?: number): Promise<ReadEvent>;
  /** Resolves when the server has ended the stream; true: in an orderly way. */
  readonly ended: Promise<boolean>;
  /** Stops and resumes reading from the socket. */
  pause(): void;
  resume(): void;
  close(): void;
}

export function readEvents(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  return new Promise((resolve, reject) => {
    const outgoing = get(url, { headers, agent: false }, (response) =>
      resolve(follow(response, () => outgoing.destroy())),
    );
    outgoing.on("error", reject);
  });
}

function follow(response: IncomingMessage, close: () => void): EventReader {
  const events: ReadEvent[] = [];
  const comments: string[] = [];
  const waiting = new Set<() => void>();
  let isClosed = false;
  let received = "";
  let pending = "";
  response.setEncoding("utf8");
  response.on("data", (text: string) => {
    received += text;
    const blocks = (pending + text).split("\n\n");
    pending = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => split(line)));
      const comment = fields.get("");
      if (comment !== undefined) comments.push(comment);
      const data = fields.get("data");
      if (data === undefined) continue;
      events.push({ id: fields.get("id"), event: fields.get("event") ?? "message", data: JSON.parse(data) });
    }
    for (const check of waiting) check();
  });
  response.on("error", () => {});
  response.on("close", () => {
    isClosed = true;
    for (const check of waiting) check();
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    comments,
    text: () => received,
    until: (fits, from = 0) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = events.slice(from).find(fits);
          if (found === undefined && !isClosed) return;
          waiting.delete(check);
          if (found === undefined) reject(new Error("the stream ended first"));
          else resolve(found);
        };
        waiting.add(check);
        check();
      }),
    ended: new Promise((resolve) => response.on("close", () => resolve(response.complete))),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close,
  };
}

function split(line: string): [string, string] {
  const colon = line.indexOf(": ");
  return [line.slice(0, colon), line.slice(colon + 2)];
}
