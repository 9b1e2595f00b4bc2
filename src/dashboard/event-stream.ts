// Reads server-sent events from text as it arrives. Unlike the browser's EventSource it also reports comments, which are
// the server's keep-alive: without them a silent connection cannot be told from a dead one.

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

export interface StreamChunk {
  readonly events: readonly ServerEvent[];
  /** The reconnection delay the server asked for in this chunk. */
  readonly retryMs: number | undefined;
}

/** The longest unfinished event that is kept, in characters. */
const maxPending = 1 << 20;

/**
 * A parser to feed with pieces of a text/event-stream body, cut anywhere. Each call returns the events that the piece
 * completed. Throws when one event grows beyond a mebi-character.
 */
export function createEventParser(): (text: string) => StreamChunk {
  let pending = "";
  return (text) => {
    const blocks = (pending + text).replaceAll("\r\n", "\n").split("\n\n");
    pending = blocks.pop() ?? "";
    if (pending.length > maxPending) throw new Error("The hub sent an event that is too large.");
    const events: ServerEvent[] = [];
    let retryMs: number | undefined;
    for (const block of blocks) {
      let event = "message";
      const data: string[] = [];
      for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") event = value;
        else if (field === "data") data.push(value);
        else if (field === "retry" && /^\d{1,6}$/.test(value)) retryMs = Number(value);
      }
      if (data.length > 0) events.push({ event, data: data.join("\n") });
    }
    return { events, retryMs };
  };
}
