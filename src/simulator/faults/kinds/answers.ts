// Faults of requests and of their answers' bytes: none, late, slow, refused, broken off, too short.
import { ApiError, apiErrors } from "../../http/status.ts";
import { endings, type RequestFacts, type RequestVerdict } from "../effects.ts";
import { drawLatency, latencyDistributions } from "../latencies.ts";
import { Load } from "../load.ts";
import { refusalOf, statusForms } from "../statuses.ts";
import { bytes, faultKind, milliseconds } from "./kind.ts";

const pass: RequestVerdict = { type: "pass" };

export const hang = faultKind({
  looks: "the request is taken and never answered",
  traffic: "requests",
  parameters: {},
  behave: (_values, { meets }) => ({
    start: (origin) => () => origin.releaseStalled(meets),
    request: () => ({ type: "stall" }),
  }),
});

export const latency = faultKind({
  looks: "the answer is late",
  traffic: "requests",
  parameters: {
    latencyMs: { ...milliseconds, otherwise: 3_000, about: "how late: the middle, or of pareto the least" },
    distribution: { kind: "choice", choices: latencyDistributions, otherwise: "fixed", about: "how it is spread" },
    spreadMs: {
      ...milliseconds,
      low: 0,
      otherwise: 0,
      about: "of uniform how far from the middle, of normal the standard deviation",
    },
    shape: {
      kind: "number",
      low: 0.5,
      high: 20,
      unit: "(alpha)",
      hasFraction: true,
      otherwise: 1.5,
      about: "of pareto: the smaller, the more there are that take very long",
    },
    maxLatencyMs: { ...milliseconds, otherwise: 60_000, about: "no latency that is drawn is longer" },
    before: {
      kind: "choice",
      choices: ["headers", "body", "handshake"],
      otherwise: "headers",
      about: "what is late",
      says: { headers: "the whole answer", body: "the body alone", handshake: "TLS of new connections" },
    },
  },
  behave: (values, context) => {
    const drawn = new WeakMap<RequestFacts, number>();
    const draw = (): number => drawLatency(values, context.random);
    switch (values.before) {
      case "headers":
        return { request: () => ({ type: "delay", delayMs: draw() }) };
      case "body":
        return {
          body: (facts) => {
            const delayMs = drawn.get(facts) ?? draw();
            drawn.set(facts, delayMs);
            return { type: "late", delayMs };
          },
        };
      case "handshake":
        return {
          start: (origin) => {
            origin.admit(() => (context.meetsConnection() ? { delayMs: draw(), clock: context.clock } : "valid"));
            return () => origin.admit(undefined);
          },
        };
    }
  },
});

export const slowbody = faultKind({
  looks: "the body is whole and correct and comes a few bytes at a time; lines of watches too",
  traffic: "requests",
  parameters: {
    bytesPerSec: { ...bytes, low: 1, unit: "bytes a second", otherwise: 1_000, about: "how fast" },
    chunkBytes: { ...bytes, low: 1, high: 1_000_000, otherwise: 1, about: "bytes leave in pieces of this size" },
    stallAfterBytes: { ...bytes, about: "after so many bytes nothing comes" },
    stallMs: { ...milliseconds, about: "for so long, or else until it is healed" },
  },
  behave: (values) => ({ body: () => ({ type: "slow", ...values }) }),
});

export const status = faultKind({
  looks: "the request is refused with an HTTP status",
  traffic: "requests",
  parameters: {
    code: { kind: "number", low: 400, high: 599, unit: "an HTTP status", otherwise: 503, about: "the status" },
    form: {
      kind: "choice",
      choices: statusForms,
      about: "the body; unless told a page of 502 and a Status of all others",
      says: {
        status: "a Status",
        html: "a proxy's page",
        text: "plain text, of 429 that of an overloaded API server",
        empty: "none",
        versionTooLarge: "a Status 504 of a resourceVersion of the future, whatever the code",
      },
    },
    retryAfter: {
      kind: "number",
      low: 0,
      high: 86_400,
      unit: "seconds",
      about: "Retry-After; there is none without it",
    },
    retryAfterDate: { kind: "flag", otherwise: false, about: "Retry-After names the moment instead of the seconds" },
    maxInFlight: {
      ...bytes,
      low: 0,
      high: 100_000,
      unit: "requests",
      about: "only what is beyond so many at a time is refused",
    },
    perSecond: {
      ...bytes,
      low: 0,
      high: 100_000,
      unit: "requests",
      about: "only what is beyond so many a second is refused",
    },
  },
  behave: (values, { clock }) => {
    const load = new Load(values, clock);
    return {
      request: (facts) => {
        if (load.admits(facts)) return pass;
        return refusalOf({ ...values, nowMs: clock.nowMs() });
      },
    };
  },
});

export const reset = faultKind({
  looks: "the connection breaks before the headers of an answer, or in its body",
  traffic: "requests",
  parameters: {
    afterBytes: { ...bytes, about: "bytes of the body before it; without it it comes before the headers" },
    ending: {
      kind: "choice",
      choices: endings,
      otherwise: "reset",
      about: "how it breaks off",
      says: {
        reset: "a TCP reset",
        halfClose: "a FIN, without an end of the body",
        goaway: "a GOAWAY, and the connection closes; over HTTP/1.1 it closes alone",
        stream: "a RST_STREAM of the one stream; over HTTP/1.1 the connection closes",
      },
    },
    h2Code: { kind: "number", low: 0, high: 13, unit: "(RFC 9113)", otherwise: 2, about: "the code in that frame" },
  },
  behave: ({ afterBytes, ending, h2Code }) =>
    afterBytes === undefined
      ? { request: () => ({ type: "reset", ending, h2Code }) }
      : { body: () => ({ type: "cut", afterBytes, ending: { ending, h2Code } }) },
});

export const truncate = faultKind({
  looks: "the body ends early, as if that were all",
  traffic: "requests",
  parameters: {
    afterBytes: { ...bytes, otherwise: 100, about: "bytes of the body that come" },
    ending: {
      kind: "choice",
      choices: ["clean", "length"],
      otherwise: "clean",
      about: "what tells of it",
      says: { clean: "nothing says that more was to come", length: "Content-Length does" },
    },
  },
  behave: ({ afterBytes, ending }) => ({ body: () => ({ type: "cut", afterBytes, ending }) }),
});

const reviews = /^(selfsubjectaccessreviews|selfsubjectrulesreviews|subjectaccessreviews|localsubjectaccessreviews)$/;

export const unauthorized = faultKind({
  looks: "the caller is not known any more (401), or may not (403)",
  traffic: "requests",
  parameters: {
    code: {
      kind: "choice",
      choices: [401, 403],
      otherwise: 401,
      about: "what is answered",
      says: { 401: "whatever is asked", 403: "all but access reviews, which say yes" },
    },
  },
  behave: ({ code }) => ({
    request: (facts) => {
      if (code === 401) return { type: "refuse", error: apiErrors.unauthorized() };
      return reviews.test(facts.resource) ? pass : { type: "refuse", error: forbidden(facts) };
    },
  }),
});

function forbidden({ resource, verb, path }: RequestFacts): ApiError {
  const what = resource === "" ? `${verb} path ${JSON.stringify(path)}` : `${verb} resource "${resource}"`;
  return new ApiError(403, "Forbidden", `forbidden: User "simulated" cannot ${what}`);
}
