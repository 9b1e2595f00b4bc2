// React's view of the ticker and the window: components render again when what they derive from the time has changed, and only then.
import { useSyncExternalStore } from "react";
import { currentTickMs, onTick } from "./ticker.ts";

/** A value derived from the current second. `derive` must return a primitive. */
export function useTick<T extends string | number | boolean>(derive: (nowMs: number) => T): T {
  return useSyncExternalStore(onTick, () => derive(currentTickMs()));
}

function onResize(listener: () => void): () => void {
  window.addEventListener("resize", listener);
  return () => window.removeEventListener("resize", listener);
}

/** The width of the window in pixels. */
export function useWindowWidth(): number {
  return useSyncExternalStore(onResize, () => window.innerWidth);
}
