import { useMemo } from "preact/hooks";
import { useLocation, useSearch } from "wouter";

/** The part of the address after `?`, and how to change it: `undefined` takes a word out. */
export function useAddress(): [URLSearchParams, (changes: Record<string, string | undefined>, replace?: boolean) => void] {
  const [path, go] = useLocation();
  const search = useSearch();
  const words = useMemo(() => new URLSearchParams(search), [search]);
  return [
    words,
    (changes, replace = false) => {
      // What is there at this moment: two changes one after the other are both kept.
      const next = new URLSearchParams(window.location.search);
      for (const [key, value] of Object.entries(changes)) {
        if (value === undefined || value === "") next.delete(key);
        else next.set(key, value);
      }
      const text = next.toString();
      go(text ? `${path}?${text}` : path, { replace });
    },
  ];
}

/** The address of this page with a word put in: for links, which are told whole paths. */
export function useHere(): (key: string, value: string) => string {
  const [path] = useLocation();
  const search = useSearch();
  return (key, value) => {
    const words = new URLSearchParams(search);
    words.set(key, value);
    return `${path}?${words.toString()}`;
  };
}

export const pathOf = (namespace: string, name: string, tab = ""): string =>
  `/applications/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}${tab ? `/${tab}` : ""}`;
