// Which namespaces a source reads: patterns where `*` is any run of characters and `?` exactly one, everything else itself. An exclude
// wins over an include, and no include means all. Matching takes at most pattern times name steps, whatever the pattern.

export interface NamespacePatterns {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/** How a namespaced source is listed: over the whole cluster, keeping what matches, or in these namespaces alone. */
export type NamespacePlan =
  | { readonly kind: "wide"; readonly wants: (namespace: string) => boolean; readonly keepsAll: boolean }
  | { readonly kind: "named"; readonly names: readonly string[] };

/** Lists namespace by namespace only where each include is a name and nothing is excluded. */
export function planNamespaces(patterns: NamespacePatterns | undefined): NamespacePlan {
  const { include = [], exclude = [] } = patterns ?? {};
  if (include.length > 0 && exclude.length === 0 && include.every((pattern) => !/[*?]/.test(pattern))) {
    return { kind: "named", names: [...new Set(include)].sort() };
  }
  return { kind: "wide", wants: namespaceFilter(patterns), keepsAll: include.length === 0 && exclude.length === 0 };
}

/** Whether a namespace is wanted. */
export function namespaceFilter(patterns: NamespacePatterns | undefined): (namespace: string) => boolean {
  const { include = [], exclude = [] } = patterns ?? {};
  if (include.length === 0 && exclude.length === 0) return () => true;
  const known = new Map<string, boolean>();
  const decide = (namespace: string): boolean =>
    !exclude.some((pattern) => matchesGlob(pattern, namespace)) &&
    (include.length === 0 || include.some((pattern) => matchesGlob(pattern, namespace)));
  return (namespace) => {
    let wanted = known.get(namespace);
    if (wanted === undefined) {
      wanted = decide(namespace);
      // A cluster has thousands of objects in a few namespaces; one that lies about that is not remembered.
      if (known.size < maxKnown) known.set(namespace, wanted);
    }
    return wanted;
  };
}

const maxKnown = 10_000;

/** Whether the whole text matches. */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let i = 0; i < text.length; ) {
    const character = pattern[at];
    if (character === "*") {
      star = at++;
      resume = i;
    } else if (character !== undefined && (character === "?" || character === text[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1;
      i = ++resume;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
