// React's view of the page's address.
import { useEffect, useState } from "react";
import { formatLocation, type LocationState, parseLocation } from "./location-state.ts";

/** The state of the address, and the function that changes parts of it. */
export function useLocationState(): [LocationState, (change: Partial<LocationState>) => void] {
  const [state, setState] = useState(() => parseLocation(window.location.hash));
  useEffect(() => {
    const follow = () => setState(parseLocation(window.location.hash));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  const update = (change: Partial<LocationState>) => {
    const next = { ...state, ...change };
    setState(next);
    window.history.replaceState(null, "", `${window.location.pathname}${formatLocation(next)}`);
  };
  return [state, update];
}
