import { signal } from "@preact/signals";

const narrow = globalThis.matchMedia?.("(max-width: 720px)");

/** Whether the window is as narrow as a phone. */
export const phone = signal(narrow?.matches ?? false);
narrow?.addEventListener("change", (event) => (phone.value = event.matches));
