// Faults of connections: before there is a request.
import type { Origin, Welcome } from "../../http/listeners.ts";
import { badPresentations } from "../../http/listeners.ts";
import type { FaultContext, Heal } from "../effects.ts";
import { flapTransitions, startFlapping } from "../flap.ts";
import { bytes, faultKind, milliseconds } from "./kind.ts";

const connectionCap = {
  ...bytes,
  high: 100_000,
  unit: "connections",
  about: "so many connections at a time are served, those beyond are met",
} as const;

const tlsVariants = [...badPresentations, "handshakeStall", "handshakeAbort", "plainHttp"] as const;

/** Lets the connections that are met have `welcome`, the others a good handshake. */
function meet(origin: Origin, context: FaultContext, welcome: Welcome, maxConnections?: number): Heal {
  origin.admit((others) => {
    if (maxConnections !== undefined && others < maxConnections) return "valid";
    return context.meetsConnection() ? welcome : "valid";
  });
  return () => {
    origin.admit(undefined);
    origin.speak();
  };
}

export const blackhole = faultKind({
  looks: "connections are accepted and nothing is said on them, also on those that are open",
  traffic: "connections",
  parameters: {
    maxConnections: connectionCap,
    acceptDelayMs: { ...milliseconds, about: "new connections are served after so long, instead of never" },
  },
  behave: ({ maxConnections, acceptDelayMs }, context) => {
    if (acceptDelayMs !== undefined) {
      const { clock } = context;
      return { start: (origin) => meet(origin, context, { delayMs: acceptDelayMs, clock }, maxConnections) };
    }
    if (maxConnections !== undefined || context.isSampled) {
      return { start: (origin) => meet(origin, context, "silence", maxConnections) };
    }
    return {
      isOutage: true,
      start: (origin) => {
        origin.silence();
        const heal = meet(origin, context, "silence");
        return () => {
          origin.releaseStalled(context.meets);
          return heal();
        };
      },
      request: () => ({ type: "stall" }),
      body: () => ({ type: "hold" }),
    };
  },
});

export const refuse = faultKind({
  looks:
    "nothing listens any more; where only a part of the connections is meant, those are reset as soon as they are accepted",
  traffic: "connections",
  parameters: { maxConnections: connectionCap },
  behave: ({ maxConnections }, context) => ({
    isOutage: maxConnections === undefined && !context.isSampled,
    start: async (origin) => {
      if (maxConnections !== undefined || context.isSampled) return meet(origin, context, "reset", maxConnections);
      context.fired();
      await origin.refuse();
      // By the machine's clock: it is its ports that are waited for.
      return () => origin.reopen();
    },
  }),
});

export const tls = faultKind({
  looks: "new connections meet a certificate that must not be trusted, or no handshake; open ones are closed",
  traffic: "connections",
  parameters: {
    variant: {
      kind: "choice",
      choices: tlsVariants,
      otherwise: "expired",
      about: "what is wrong",
      says: {
        expired: "the certificate was valid until yesterday",
        notYetValid: "it is valid from tomorrow on",
        wrongHost: "it is for another host",
        unknownCa: "it is of an authority that nobody trusts",
        rotatedCa: "it is of an authority of the same name with another key",
        clientCertificate: "the client must have one too",
        oldVersion: "TLS 1.0 alone",
        handshakeStall: "the connection is taken, nothing is said",
        handshakeAbort: "a reset once the client has spoken",
        plainHttp: "an HTTP answer without TLS",
      },
    },
  },
  behave: ({ variant }, context) => ({
    isOutage: !context.isSampled,
    start: (origin) => {
      const heal = meet(origin, context, variant === "handshakeStall" ? "silence" : variant);
      origin.destroySockets();
      return () => {
        void heal();
        origin.destroySockets();
      };
    },
  }),
});

const turn = { kind: "number", low: 50, high: 3_600_000, unit: "milliseconds" } as const;

export const flap = faultKind({
  looks: "nothing listens for downMs, then all is well for upMs, and again; down first",
  traffic: "server",
  parameters: {
    upMs: { ...turn, otherwise: 10_000, about: "service between two outages" },
    downMs: { ...turn, otherwise: 5_000, about: "each outage" },
    jitter: {
      kind: "number",
      low: 0,
      high: 1,
      unit: "a share",
      hasFraction: true,
      otherwise: 0,
      about: "how far a transition may be off, as a share of half the shorter of the two; drawn from the seed",
    },
  },
  behave: (times, context) => {
    const { beginsMs, endsMs } = context;
    const schedule = { ...times, salt: Math.floor(context.random() * 0x1_0000_0000) };
    return {
      start: (origin) => startFlapping(origin, schedule, beginsMs, context),
      transitions: (nowMs, count) => flapTransitions(schedule, { beginsMs, endsMs, nowMs, count }),
    };
  },
});
