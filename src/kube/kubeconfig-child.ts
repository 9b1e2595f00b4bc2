// The process in which a hub lets its kubeconfig be read, and which then ends. Tells credentials that do not expire, to its parent alone;
// in all other cases it ends without a word, and the parent reads for itself and says what is wrong.
import { type ContextReference, openContext, type ReadContext } from "./kubeconfig.ts";

const { expires, read, ...context } = await openContext(JSON.parse(process.argv[2] ?? "{}") as ContextReference);
if (expires) process.disconnect?.();
else process.send?.({ ...context, parts: await read() } satisfies ReadContext, () => process.disconnect?.());
