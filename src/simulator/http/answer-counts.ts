// How many answers there were, by what was asked and the status. Bounded: what would be one kind too many counts as `other`.

export interface AnswerCount {
  readonly verb: string;
  readonly resource: string;
  readonly code: string;
  readonly count: number;
}

export const maxKinds = 1_000;

export class AnswerCounts {
  readonly #counts = new Map<string, number>();

  /** @param resource `pods`, `clusterconnections/status`; "" for paths of no resource */
  answered(verb: string, resource: string, status: number): void {
    const wanted = `${verb} ${resource} ${status}`;
    const isKnown = this.#counts.has(wanted) || this.#counts.size < maxKinds;
    const key = isKnown ? wanted : "other other 0";
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  list(): readonly AnswerCount[] {
    return [...this.#counts].map(([key, count]) => {
      const [verb = "", resource = "", code = ""] = key.split(" ");
      return { verb, resource, code, count };
    });
  }
}
