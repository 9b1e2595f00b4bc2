// Looks for a planted secret in everything a thrown value could show.
import { inspect } from "node:util";

export const canaryToken = "canary-7f3a9c51e2d84b06";

/** Every text that logging, printing or serialising `value` could produce. */
export function allTextOf(value: unknown): string {
  const texts = [String(value), inspect(value, { depth: 12, showHidden: true, getters: true }), JSON.stringify(value)];
  if (value instanceof Error) texts.push(value.message, value.stack ?? "", allTextOf(value.cause));
  return texts.join("\n");
}
