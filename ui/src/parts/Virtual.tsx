import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

interface Props<T> {
  items: readonly T[];
  /** Height of one in pixels; it is as high as it says. */
  height: (item: T) => number;
  keyOf: (item: T) => string;
  render: (item: T, index: number) => ComponentChildren;
  /** The item that has to be on the screen, as an index; -1 for none. */
  reveal?: number;
}

const BEYOND = 400;

/** Tops of items, and the height of all at the end. */
export function tops(heights: readonly number[]): number[] {
  const found = [0];
  for (const height of heights) found.push((found[found.length - 1] as number) + height);
  return found;
}

/** The items that a window from `top` to `bottom` shows: from the first, to before the second. */
export function within(offsets: readonly number[], top: number, bottom: number): [number, number] {
  const count = offsets.length - 1;
  const before = (limit: number) => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((offsets[middle + 1] as number) <= limit) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const first = before(top);
  let end = before(bottom);
  if (end < count) end++;
  return [first, Math.max(first, end)];
}

/** Rows of a long list: those that can be seen are drawn, in the scroll of the page itself. */
export function Virtual<T>({ items, height, keyOf, render, reveal = -1 }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const offsets = useMemo(() => tops(items.map(height)), [items, height]);
  const total = offsets[offsets.length - 1] as number;
  const [[first, end], show] = useState<[number, number]>([0, 24]);

  useLayoutEffect(() => {
    let asked = 0;
    const look = () => {
      asked = 0;
      const above = box.current ? -box.current.getBoundingClientRect().top : 0;
      const seen = within(offsets, above - BEYOND, above + window.innerHeight + BEYOND);
      show((shown) => (shown[0] === seen[0] && shown[1] === seen[1] ? shown : seen));
    };
    const soon = () => (asked ||= requestAnimationFrame(look));
    look();
    window.addEventListener("scroll", soon, { passive: true });
    window.addEventListener("resize", soon);
    // What stands above may grow or shrink, and moves the list without a scroll.
    const watcher = new ResizeObserver(soon);
    watcher.observe(document.body);
    return () => {
      watcher.disconnect();
      cancelAnimationFrame(asked);
      window.removeEventListener("scroll", soon);
      window.removeEventListener("resize", soon);
    };
  }, [offsets]);

  useEffect(() => {
    if (reveal < 0 || reveal >= items.length || !box.current) return;
    const start = box.current.getBoundingClientRect().top + window.scrollY;
    const top = start + (offsets[reveal] as number);
    const bottom = start + (offsets[reveal + 1] as number);
    const margin = 80;
    if (top - margin < window.scrollY) window.scrollTo({ top: top - margin });
    else if (bottom + margin > window.scrollY + window.innerHeight) window.scrollTo({ top: bottom + margin - window.innerHeight });
  }, [reveal]);

  const shown = items.slice(first, end);
  const top = offsets[Math.min(first, items.length)] as number;
  const bottom = total - (offsets[Math.min(end, items.length)] as number);
  return (
    <div ref={box} role="rowgroup">
      <div style={{ height: `${top}px` }} aria-hidden="true" />
      {shown.map((item, at) => (
        <div key={keyOf(item)} role="presentation">
          {render(item, first + at)}
        </div>
      ))}
      <div style={{ height: `${bottom}px` }} aria-hidden="true" />
    </div>
  );
}
