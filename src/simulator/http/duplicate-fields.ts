// Members that a JSON text names more than once, which its parser does not tell: it keeps the last. The text must be valid JSON.

const token = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;
const maxNamed = 50;

interface Level {
  readonly path: string;
  /** Of an object; undefined in an array. */
  readonly keys: Set<string> | undefined;
  isKeyNext: boolean;
  index: number;
  key: string;
}

/** Paths such as `spec.size`, each as often as it comes again; at most 50. */
export function duplicateFields(text: string): readonly string[] {
  const found: string[] = [];
  const levels: Level[] = [];
  for (const [part] of text.matchAll(token)) {
    const level = levels.at(-1);
    switch (part) {
      case "{":
      case "[":
        levels.push({
          path: level === undefined ? "" : pathIn(level),
          keys: part === "{" ? new Set() : undefined,
          isKeyNext: part === "{",
          index: 0,
          key: "",
        });
        break;
      case "}":
      case "]":
        levels.pop();
        break;
      case ",":
        if (level === undefined) break;
        level.isKeyNext = level.keys !== undefined;
        level.index++;
        break;
      default:
        if (level?.keys === undefined || !level.isKeyNext) break;
        level.isKeyNext = false;
        level.key = JSON.parse(part) as string;
        if (level.keys.has(level.key)) found.push(pathIn(level));
        if (found.length >= maxNamed) return found;
        level.keys.add(level.key);
    }
  }
  return found;
}

function pathIn({ path, keys, index, key }: Level): string {
  if (keys === undefined) return `${path}[${index}]`;
  return path === "" ? key : `${path}.${key}`;
}
