// A client that shows what came over the wire and how it ended, whatever it was: for servers that are broken on purpose.
import http2 from "node:http2";
import https from "node:https";
import { parse } from "yaml";
import type { Simulator } from "../../src/simulator/index.ts";

interface Kubeconfig {
  clusters: { name: string; cluster: { server: string; "certificate-authority-data": string } }[];
  users: { name: string; user: { token: string } }[];
}

export interface Access {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
}

/** How the server of a cluster is reached, by the simulator's kubeconfig. */
export function accessTo(simulator: Pick<Simulator, "kubeconfig">, name: string): Access {
  const config = parse(simulator.kubeconfig()) as Kubeconfig;
  const cluster = config.clusters.find((entry) => entry.name === name)?.cluster;
  const token = config.users.find((entry) => entry.name === name)?.user.token;
  if (cluster === undefined || token === undefined) throw new Error(`no ${name} in the kubeconfig`);
  const ca = Buffer.from(cluster["certificate-authority-data"], "base64").toString();
  return { port: Number(new URL(cluster.server).port), ca, token };
}

export interface Got {
  /** Undefined: there were no headers. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
  /** How it failed; undefined: it ended. */
  readonly error?: string;
  readonly tookMs: number;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Hears every piece of the body. */
  readonly onData?: (bytes: Buffer) => void;
  /** Ends the request. */
  readonly signal?: AbortSignal;
}

/** One request over HTTP/1.1, on a connection of its own. Never rejects. */
export function askHttp1({ port, ca, token }: Access, path: string, asking: Asking = {}): Promise<Got> {
  const { method = "GET", headers = {}, body, onData, signal } = asking;
  const startMs = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let head: Pick<Got, "status" | "headers"> = {};
    const done = (error?: NodeJS.ErrnoException): void =>
      resolve({
        ...head,
        bytes: Buffer.concat(chunks),
        tookMs: performance.now() - startMs,
        ...(error === undefined ? {} : { error: error.code ?? error.message }),
      });
    const request = https.request(
      {
        ...{ host: "127.0.0.1", port, path, ca, method, agent: false },
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        head = { status: response.statusCode ?? 0, headers: response.headers };
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          onData?.(chunk);
        });
        response.on("end", () => done());
        response.on("error", done);
      },
    );
    request.on("error", done);
    request.end(body);
  });
}

/** One GET over HTTP/2, on a connection of its own. Never rejects. */
export function askHttp2({ port, ca, token }: Access, path: string): Promise<Got> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let head: Pick<Got, "status" | "headers"> = {};
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca });
    const done = (error?: NodeJS.ErrnoException): void => {
      session.destroy();
      resolve({
        ...head,
        bytes: Buffer.concat(chunks),
        tookMs: performance.now() - startMs,
        ...(error === undefined ? {} : { error: error.code ?? error.message }),
      });
    };
    session.on("error", done);
    session.on("goaway", (code) => done(new Error(`GOAWAY ${code}`)));
    const stream = session.request({ ":path": path, authorization: `Bearer ${token}` });
    stream.on("response", (headers) => {
      head = { status: Number(headers[":status"]), headers };
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.on("close", () => done(stream.rstCode === 0 ? undefined : new Error(`ERR_HTTP2 ${stream.rstCode}`)));
    stream.end();
  });
}
