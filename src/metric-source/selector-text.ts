// A label selector as the query of a list. Deterministic: equal selectors give equal texts. What it says has been checked before.

export interface KubeLabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>> | undefined;
  readonly matchExpressions?:
    | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | undefined }[]
    | undefined;
}

/** Labels in order of name, then expressions in their own order; unknown operators are left out. "" selects everything. */
export function selectorText(selector: KubeLabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const expressions = (selector?.matchExpressions ?? []).flatMap(({ key, operator, values = [] }) => {
    switch (operator) {
      case "In":
        return [`${key} in (${values.join()})`];
      case "NotIn":
        return [`${key} notin (${values.join()})`];
      case "Exists":
        return [key];
      case "DoesNotExist":
        return [`!${key}`];
      default:
        return [];
    }
  });
  return [...labels.map(([key, value]) => `${key}=${value}`), ...expressions].join();
}
