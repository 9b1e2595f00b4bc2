// Bodies in and out: requests are read up to a limit and parsed as JSON, answers are written whole, gzipped where a real server would.
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { parse } from "yaml";
import { decodeBody, openEnvelope, PROTOBUF_TYPE } from "../../kube/protobuf/envelope.ts";
import { duplicateFields } from "./duplicate-fields.ts";
import { ApiError, apiErrors } from "./status.ts";

const maxRequestBytes = 3 * 1024 * 1024;
/** A real API server compresses only beyond this size. */
const gzipAboveBytes = 128 * 1024;

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

export interface RequestBody {
  /** Without parameters; "" without a body. */
  readonly contentType: string;
  readonly json: unknown;
  /** Members that the text names more than once, as paths. */
  readonly duplicateFields?: readonly string[];
}

/**
 * Reads the whole body, JSON or the protobuf of a kind that is known here. Throws ApiError: 413 beyond 3 MiB, 415 for anything else,
 * 400 for what does not parse.
 */
export async function readJsonBody(stream: Readable, headers: IncomingHttpHeaders): Promise<RequestBody> {
  const bytes = await readBytes(stream);
  if (bytes.length === 0) return { contentType: "", json: undefined };
  const contentType = (headers["content-type"] ?? "application/json").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (contentType === PROTOBUF_TYPE) return { contentType: "application/json", json: decodeProtobuf(bytes) };
  if (contentType === "application/apply-patch+yaml") return { contentType, json: parseYaml(bytes.toString("utf8")) };
  if (contentType !== "application/json" && !contentType.endsWith("+json")) {
    throw new ApiError(
      415,
      "UnsupportedMediaType",
      `the body of the request was in an unknown format (${contentType}) - accepted media types include: application/json`,
    );
  }
  const text = bytes.toString("utf8");
  const json: unknown = orBadRequest("JSON", () => JSON.parse(text));
  return { contentType, json, duplicateFields: duplicateFields(text) };
}

function decodeProtobuf(bytes: Buffer): unknown {
  const body = orBadRequest("protobuf", () => decodeBody(bytes));
  if (body !== undefined) return withoutNulls(body);
  const { apiVersion, kind } = openEnvelope(bytes);
  throw new ApiError(
    415,
    "UnsupportedMediaType",
    `${kind} of ${apiVersion} is not known as protobuf here - accepted media types include: application/json`,
  );
}

/** Go's typed clients write what is not set as well. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
}

const parseYaml = (text: string): unknown => orBadRequest("YAML", () => parse(text, { maxAliasCount: 100 }));

function orBadRequest<T>(format: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw apiErrors.badRequest(`the body of the request is not valid ${format}`);
  }
}

// By events, not by iteration: leaving an iteration early destroys the connection that the refusal has to travel on.
function readBytes(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxRequestBytes) chunks.push(chunk);
      else reject(new ApiError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${maxRequestBytes}`));
    });
    stream.once("end", () => resolve(Buffer.concat(chunks)));
    stream.once("error", reject);
    stream.once("close", () => reject(apiErrors.badRequest("the request ended before its body did")));
  });
}

export const gzipped = (bytes: Buffer): Promise<Buffer> => gzipAsync(bytes, { level: 1 });

export interface EncodedBody {
  readonly bytes: Buffer;
  readonly isGzipped: boolean;
}

/** The bytes of an answer: gzip level 1 for a client that takes it, when the body is large enough. */
export async function encodeForWire(body: EncodedBody, acceptEncoding: string | undefined): Promise<EncodedBody> {
  const takesGzip = /\bgzip\b/.test(acceptEncoding ?? "");
  if (body.isGzipped) return takesGzip ? body : plain(body);
  if (body.bytes.length <= gzipAboveBytes || !takesGzip) return body;
  return { bytes: await gzipped(body.bytes), isGzipped: true };
}

/** The same, not compressed. */
export async function plain({ bytes, isGzipped }: EncodedBody): Promise<EncodedBody> {
  return { bytes: isGzipped ? await gunzipAsync(bytes) : bytes, isGzipped: false };
}
