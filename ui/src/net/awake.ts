/** Whether anybody may be looking: a tab that has been hidden for a while holds no connection, of which a browser has few for all its tabs. */

import { signal } from "@preact/signals";

const WHILE = 60_000;

export const awake = signal(true);

export function watchSleep(document: Document): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => (awake.value = false), WHILE);
    else awake.value = true;
  });
  // One that is kept for the way back is frozen with its connections.
  window.addEventListener("pagehide", () => (awake.value = false));
  window.addEventListener("pageshow", () => (awake.value = true));
}
