// Reads the flags of a command. Every wrong value and every unknown flag is collected, so that one message lists all of them.
import type { Command } from "commander";
import { InvalidInputError } from "../support/errors.ts";

/** Collects what is wrong with a command line; `end` throws it all at once. */
export class Flags {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #problems: string[] = [];

  /** @param expectedArguments how many positional arguments the command takes */
  constructor(command: Command, expectedArguments = 0) {
    this.#values = command.opts();
    const unknown = command.args.filter((word) => word.startsWith("-"));
    const extra = command.args.filter((word) => !word.startsWith("-")).slice(expectedArguments);
    this.#problems.push(...unknown.map((flag) => `unknown flag ${flag}`));
    this.#problems.push(...extra.map((word) => `unexpected argument ${JSON.stringify(word)}`));
  }

  /** A whole number within the bounds; `otherwise` when the flag was not given. */
  integer<D extends number | undefined>(name: string, bounds: { min: number; max: number }, otherwise: D): number | D {
    const text = this.#values[camel(name)];
    if (text === undefined) return otherwise;
    const value = typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= bounds.min && value <= bounds.max) return value;
    this.#problems.push(
      `--${name} must be a whole number from ${bounds.min} to ${bounds.max}, not ${JSON.stringify(text)}`,
    );
    return otherwise;
  }

  /** A number within the bounds, with or without decimal places; `otherwise` when the flag was not given. */
  decimal<D extends number | undefined>(name: string, bounds: { min: number; max: number }, otherwise: D): number | D {
    const text = this.#values[camel(name)];
    if (text === undefined) return otherwise;
    const value = typeof text === "string" && /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= bounds.min && value <= bounds.max) return value;
    this.#problems.push(`--${name} must be a number from ${bounds.min} to ${bounds.max}, not ${JSON.stringify(text)}`);
    return otherwise;
  }

  oneOf<T extends string, D extends T | undefined>(name: string, choices: readonly T[], otherwise: D): T | D {
    const text = this.#values[camel(name)];
    if (text === undefined) return otherwise;
    const found = choices.find((choice) => choice === text);
    if (found === undefined)
      this.#problems.push(`--${name} must be one of ${choices.join(", ")}, not ${JSON.stringify(text)}`);
    return found ?? otherwise;
  }

  text(name: string): string | undefined {
    const value = this.#values[camel(name)];
    return typeof value === "string" ? value : undefined;
  }

  /** An http:// or https:// URL without path; without a trailing slash. */
  url(name: string, otherwise: string): string {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    const parsed = URL.parse(text);
    if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === "" && parsed.pathname === "/")
      return parsed.origin;
    this.#problems.push(`--${name} must be a URL such as ${otherwise}, not ${JSON.stringify(text)}`);
    return otherwise;
  }

  /** What is made of the text. Whatever is wrong with it is one of the problems. */
  parsed<T>(name: string, parse: (text: string) => T): T | undefined {
    const text = this.text(name);
    try {
      return text === undefined ? undefined : parse(text);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      this.#problems.push(...error.problems.map((problem) => `--${name}: ${problem}`));
      return undefined;
    }
  }

  on(name: string): boolean {
    return this.#values[camel(name)] === true;
  }

  problem(text: string): void {
    this.#problems.push(text);
  }

  /** Throws InvalidInputError with everything that was wrong. */
  end(): void {
    if (this.#problems.length > 0) throw new InvalidInputError(this.#problems);
  }
}

const camel = (name: string): string => name.replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
