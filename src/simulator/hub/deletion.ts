// What a delete says about dependents, as finalizers that the garbage collector acts on.
import { type ApiError, apiErrors } from "../http/status.ts";

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  /** Without one dependents are deleted in the background. */
  readonly propagationPolicy?: string;
  /** The older form of the policies Orphan and Background. */
  readonly orphanDependents?: boolean;
  readonly dryRun?: readonly string[];
}

/** Its dependents go first. */
export const foregroundFinalizer = "foregroundDeletion";
/** Its dependents stay. */
export const orphanFinalizer = "orphan";

/** The finalizers of an object that is deleted under the options. Throws ApiError 422 for a policy that there is not. */
export function finalizersUnder(options: DeleteOptions, finalizers: readonly string[]): readonly string[] {
  const others = finalizers.filter((finalizer) => finalizer !== foregroundFinalizer && finalizer !== orphanFinalizer);
  switch (policyOf(options)) {
    case "Foreground":
      return [...others, foregroundFinalizer];
    case "Orphan":
      return [...others, orphanFinalizer];
    case "Background":
      return others;
    case undefined:
      return finalizers;
  }
}

const policies = ["Background", "Foreground", "Orphan"] as const;

function policyOf({ propagationPolicy, orphanDependents }: DeleteOptions): (typeof policies)[number] | undefined {
  if (propagationPolicy === undefined) {
    return orphanDependents === undefined ? undefined : orphanDependents ? "Orphan" : "Background";
  }
  if (orphanDependents !== undefined) {
    const message = `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`;
    throw invalid(message, "FieldValueInvalid");
  }
  const policy = policies.find((one) => one === propagationPolicy);
  if (policy !== undefined) return policy;
  const known = ["Foreground", "Background", "Orphan", "nil"].map((one) => JSON.stringify(one)).join(", ");
  const shown = JSON.stringify(propagationPolicy);
  throw invalid(`Unsupported value: ${shown}: supported values: ${known}`, "FieldValueNotSupported");
}

const invalid = (message: string, reason: string): ApiError =>
  apiErrors.invalidOptions("DeleteOptions", { reason, message, field: "propagationPolicy" });
