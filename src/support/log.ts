// JSON lines on one stream. The error serialiser is an allow-list (see errors.ts): redaction by path misses what it was not told of.
import { type Logger as PinoLogger, pino } from "pino";
import { safeError } from "./errors.ts";

export type Logger = Pick<PinoLogger, "debug" | "info" | "warn" | "error" | "fatal">;

export const logLevels = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** A logger that writes JSON lines to `stream` (standard output by default). Errors under `err` are reduced to code and message. */
export function createLogger(options: { level: LogLevel; stream?: { write(line: string): void } }): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: safeError },
  };
  return options.stream === undefined ? pino(settings) : pino(settings, options.stream);
}

/** Swallows everything; for tests and tools that print for people. */
export const silentLogger: Logger = createLogger({ level: "silent" });
