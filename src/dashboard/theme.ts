// Light or dark: what the reader chose, or else what the system prefers, also when that changes.
import { useEffect, useState } from "react";

export type Theme = "light" | "dark";

const storageKey = "clusterpulse.theme";
const darkPreferred = window.matchMedia("(prefers-color-scheme: dark)");

function chosenTheme(): Theme | null {
  try {
    const value = window.localStorage.getItem(storageKey);
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null; // storage is switched off: the choice lasts as long as the page
  }
}

/** Puts the theme on the document. Called before the first render, so that nothing flashes. */
export function applyTheme(theme: Theme = chosenTheme() ?? (darkPreferred.matches ? "dark" : "light")): Theme {
  document.documentElement.classList.toggle("pf-v6-theme-dark", theme === "dark");
  document.documentElement.style.colorScheme = theme;
  return theme;
}

/** The current theme and the function that changes and remembers it. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(() => applyTheme());
  useEffect(() => {
    const follow = () => {
      if (chosenTheme() === null) setTheme(applyTheme());
    };
    darkPreferred.addEventListener("change", follow);
    return () => darkPreferred.removeEventListener("change", follow);
  }, []);
  const choose = (next: Theme) => {
    setTheme(applyTheme(next));
    try {
      window.localStorage.setItem(storageKey, next);
    } catch {
      // as above
    }
  };
  return [theme, choose];
}
