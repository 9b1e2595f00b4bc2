// What is wrong with an object, as sentences that name the field and say what would be right. They never repeat a value, which may be
// a misplaced secret or a megabyte long. Bounded: after the first twenty nothing is added.

const maxProblems = 20;
const maxKeyLength = 63;

/** Collects problems of one object, in the order they are found. */
export class Problems {
  readonly list: string[] = [];

  /** @param shouldBe what would be right, following the field's path: "must be set" */
  add(path: string, shouldBe: string): undefined {
    if (this.list.length < maxProblems) this.list.push(`${path} ${shouldBe}`);
  }
}

/** The path of a map's entry. Keys are the user's own, so they are quoted and cut. */
export function entryPath(path: string, key: string): string {
  return `${path}[${JSON.stringify(key.length > maxKeyLength ? `${key.slice(0, maxKeyLength)}…` : key)}]`;
}
