// Rows of the view as an HTTP answer: their bytes joined, never serialised again, under an entity tag made of their revisions.
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ViewRow } from "../view/ports.ts";

const open = Buffer.from("[");
const comma = Buffer.from(",");
const close = Buffer.from("]");

// One fleet's list is asked for again and again between two changes, and the view gives the same array until then.
const joined = new WeakMap<readonly ViewRow[], Buffer>();

/** The JSON array of the rows. */
export function joinRows(rows: readonly ViewRow[]): Buffer {
  const known = joined.get(rows);
  if (known !== undefined) return known;
  const parts: Buffer[] = [open];
  for (const row of rows) {
    if (parts.length > 1) parts.push(comma);
    parts.push(row.bytes);
  }
  parts.push(close);
  const body = Buffer.concat(parts);
  joined.set(rows, body);
  return body;
}

/**
 * The entity tag of some rows. A change or an addition raises the newest revision above all earlier ones; between two of them rows can
 * only go, which the count shows. So different states of one list never share a tag.
 */
export function tagOf(rows: readonly ViewRow[]): string {
  const newest = rows.reduce((newest, row) => Math.max(newest, row.revision), 0);
  return `"${newest}-${rows.length}"`;
}

/** Sends a body that the view holds, or 304 when the reader has it. */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  tag: string,
  body: () => Buffer,
): FastifyReply {
  reply.header("etag", tag);
  if (matches(request.headers["if-none-match"], tag)) return reply.code(304).send();
  return reply.type("application/json; charset=utf-8").send(body());
}

function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((candidate) => {
    const value = candidate.trim();
    return value === "*" || value === tag || value === `W/${tag}`;
  });
}

interface NodeTraits {
  readonly status: string;
  readonly roles: readonly string[];
}

const traits = new WeakMap<ViewRow, NodeTraits>();

/** The node rows of exactly this role and status, where given. Rows are opened only when asked for one, and only once. */
export function filterNodes(
  rows: readonly ViewRow[],
  wanted: { role: string | undefined; status: string | undefined },
): readonly ViewRow[] {
  const { role, status } = wanted;
  if (role === undefined && status === undefined) return rows;
  return rows.filter((row) => {
    const { status: actual, roles } = traitsOf(row);
    return (role === undefined || roles.includes(role)) && (status === undefined || actual === status);
  });
}

function traitsOf(row: ViewRow): NodeTraits {
  const known = traits.get(row);
  if (known !== undefined) return known;
  const node = JSON.parse(row.bytes.toString()) as { status?: unknown; roles?: unknown };
  const read: NodeTraits = {
    status: typeof node.status === "string" ? node.status : "",
    roles: Array.isArray(node.roles) ? node.roles.filter((role) => typeof role === "string") : [],
  };
  traits.set(row, read);
  return read;
}
