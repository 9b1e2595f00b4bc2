// One API server as the oracle asks it: requests as plain values, answers as plain values, watches as the list of their events.
import { Agent, request } from "undici";

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** Sent as JSON, or as it is when it is a text. */
  readonly body?: unknown;
  /** application/json unless told. */
  readonly contentType?: string;
  /** application/json unless told. */
  readonly accept?: string;
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly warnings: readonly string[];
  /** Parsed where it is JSON; the events of a watch. */
  readonly body: unknown;
}

const deadlineMs = 60_000;

export class Api {
  readonly name: string;
  readonly url: string;
  readonly #agent: Agent;
  readonly #headers: Readonly<Record<string, string>>;

  /** `tls` holds the authority and, where that is how clients are known, a certificate. */
  constructor(
    name: string,
    url: string,
    tls: { readonly ca: string; readonly cert?: string; readonly key?: string },
    token?: string,
  ) {
    this.name = name;
    this.url = url;
    this.#agent = new Agent({ connect: tls });
    this.#headers = {
      "user-agent": "oracle/1.0",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  async send({
    method,
    path,
    body,
    contentType = "application/json",
    accept = "application/json",
  }: Request): Promise<Reply> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await request(`${this.url}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { ...this.#headers, accept, ...(body === undefined ? {} : { "content-type": contentType }) },
      ...(body === undefined ? {} : { body: text }),
      signal: AbortSignal.timeout(deadlineMs),
    });
    const answer = await response.body.text();
    return {
      status: response.statusCode,
      contentType: String(response.headers["content-type"] ?? ""),
      warnings: [response.headers["warning"] ?? []].flat().flatMap((line) => line.split(/, (?=299 )/)),
      body:
        isWatch(path) && response.statusCode === 200
          ? answer.trim().split("\n").filter(Boolean).map(parsed)
          : parsed(answer),
    };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

const isWatch = (path: string): boolean => /[?&]watch=(true|1)/.test(path);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
