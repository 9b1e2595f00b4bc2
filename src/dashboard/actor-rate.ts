// How busy the actors were between two answers of GET /api/v1/system/actors.
import { parseStamp } from "./ages.ts";
import type { ActorsAnswer } from "./api.ts";

/** Messages processed per second between two answers, whole; null while that is unknown. */
export function processedPerSecond(before: ActorsAnswer | null, after: ActorsAnswer | null): number | null {
  if (before === null || after === null) return null;
  const seconds = ((parseStamp(after.asOf) ?? 0) - (parseStamp(before.asOf) ?? 0)) / 1000;
  return seconds <= 0 ? null : Math.max(0, Math.round((processed(after) - processed(before)) / seconds));
}

function processed(answer: ActorsAnswer): number {
  return answer.actors.reduce((sum, actor) => sum + actor.processed, 0);
}
