// The one form of an answer that says what went wrong.
import type { FastifyReply } from "fastify";

/** Answers `{"error": message}`. */
export function sendError(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply
    .code(status)
    .type("application/json; charset=utf-8")
    .send(JSON.stringify({ error: message }));
}
