// The one door of the actor runtime. Its promises are those of types.ts.
export { createActorSystem } from "./system.ts";
export type * from "./types.ts";
