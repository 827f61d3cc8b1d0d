import { signal } from "@preact/signals";

/** The time that ages are told by, in milliseconds; it moves every five seconds, and all of the page with it. */
export const now = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 5_000);
  document.addEventListener("visibilitychange", () => (now.value = Date.now()));
}
