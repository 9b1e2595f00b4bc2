// The JSON paths of printer columns and label selectors of a scale: `.a.b`, `['a.b']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`.
// A path of another form finds nothing.

type Step =
  | { readonly type: "member"; readonly name: string }
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "all" }
  | { readonly type: "where"; readonly member: readonly string[]; readonly value: unknown };

const token =
  /^(?:\.?([A-Za-z_$][-\w$]*(?:\\\.[-\w$]+)*)|\[(-?\d{1,6})\]|\.?(\[\*\]|\*)|\[['"]([^'"]{1,317})['"]\]|\[\?\(@\.([-\w.]+)\s*==\s*("[^"]*"|'[^']*'|true|false|-?\d+)\)\])/;

/** Undefined for a path that is not understood. */
export function parseJsonPath(path: string): readonly Step[] | undefined {
  let rest = path.replace(/^\{|\}$/g, "").replace(/^\$/, "");
  const steps: Step[] = [];
  while (rest !== "" && rest !== ".") {
    const match = token.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length);
    const [, member, index, all, quoted, where, value] = match;
    if (member !== undefined) steps.push({ type: "member", name: member.replaceAll("\\.", ".") });
    else if (index !== undefined) steps.push({ type: "index", index: Number(index) });
    else if (all !== undefined) steps.push({ type: "all" });
    else if (quoted !== undefined) steps.push({ type: "member", name: quoted });
    else steps.push({ type: "where", member: (where as string).split("."), value: literal(value as string) });
  }
  return steps;
}

const literal = (text: string): unknown => (/^['"]/.test(text) ? text.slice(1, -1) : JSON.parse(text));

/** Everything that the steps lead to, in order. */
export function findAll(value: unknown, steps: readonly Step[]): unknown[] {
  let found: unknown[] = [value];
  for (const step of steps) found = found.flatMap((at) => follow(at, step)).filter((at) => at !== undefined);
  return found;
}

function follow(at: unknown, step: Step): unknown[] {
  switch (step.type) {
    case "member":
      return [memberOf(at, step.name)];
    case "index":
      return Array.isArray(at) ? [at.at(step.index)] : [];
    case "all":
      return Array.isArray(at) ? at : typeof at === "object" && at !== null ? Object.values(at) : [];
    case "where":
      return Array.isArray(at) ? at.filter((item) => step.member.reduce(memberOf, item) === step.value) : [];
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined;
  return (value as Record<string, unknown>)[name];
}
