/** What this browser keeps for a person: favourites and saved views. Never more than that, and never sent anywhere. */

import { type Signal, signal } from "@preact/signals";

export interface View {
  name: string;
  q: string;
  group: string;
}

const MOST_FAVOURITES = 500;
const MOST_VIEWS = 50;

function read<T>(name: string, take: (value: unknown) => T[]): T[] {
  try {
    return take(JSON.parse(globalThis.localStorage?.getItem(name) ?? "[]"));
  } catch {
    // Nothing is kept, or somebody else's: then there is nothing.
    return [];
  }
}

function keep(name: string, value: unknown): void {
  try {
    globalThis.localStorage?.setItem(name, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing shows it until the page is closed.
  }
}

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === "string").slice(0, MOST_FAVOURITES) : []);

const viewsOf = (value: unknown): View[] =>
  (Array.isArray(value) ? value : [])
    .filter((one): one is View => ["name", "q", "group"].every((key) => typeof (one as Record<string, unknown> | null)?.[key] === "string"))
    .slice(0, MOST_VIEWS);

export const favourites: Signal<ReadonlySet<string>> = signal(new Set(read("trueup.favourites", strings)));
export const views: Signal<readonly View[]> = signal(read("trueup.views", viewsOf));

export function toggleFavourite(key: string): void {
  const next = new Set(favourites.value);
  if (!next.delete(key)) next.add(key);
  favourites.value = new Set([...next].slice(-MOST_FAVOURITES));
  keep("trueup.favourites", [...favourites.value]);
}

/** One of the same name is replaced. */
export function saveView(view: View): void {
  views.value = [...views.value.filter((one) => one.name !== view.name), view].slice(-MOST_VIEWS);
  keep("trueup.views", views.value);
}

export function dropView(name: string): void {
  views.value = views.value.filter((one) => one.name !== name);
  keep("trueup.views", views.value);
}
