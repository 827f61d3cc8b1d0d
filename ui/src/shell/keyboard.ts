/** Keys without a modifier, alone or after `g`, never while somebody types; and `mod k`, which is ⌘K or Ctrl K, wherever one is. */

import { useEffect } from "preact/hooks";

export type Keys = Record<string, (event: KeyboardEvent) => void>;

const registered: Keys[] = [];
let before = "";
let since = 0;

export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable);
}

/** Which of the keys an event means: the pages' own win over those of the frame. */
export function handle(event: KeyboardEvent): void {
  if (event.altKey || event.defaultPrevented) return;
  if (event.target instanceof HTMLElement && event.target.closest("dialog")) return;
  if (event.ctrlKey || event.metaKey) {
    const found = registered.findLast((keys) => keys[`mod ${event.key.toLowerCase()}`]);
    if (!found) return;
    event.preventDefault();
    return found[`mod ${event.key.toLowerCase()}`]?.(event);
  }
  if (typing(event.target)) return;
  const pair = before && event.timeStamp - since < 1_500 ? `${before} ${event.key}` : "";
  before = event.key === "g" && !pair ? "g" : "";
  since = event.timeStamp;
  for (const key of [pair, event.key]) {
    const found = key ? [...registered].reverse().find((keys) => keys[key]) : undefined;
    if (!found) continue;
    event.preventDefault();
    before = "";
    found[key]?.(event);
    return;
  }
}

export function useKeys(keys: Keys): void {
  useEffect(() => {
    registered.push(keys);
    return () => {
      registered.splice(registered.indexOf(keys), 1);
    };
  });
}
