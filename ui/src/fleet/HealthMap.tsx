import { useLayoutEffect, useRef } from "preact/hooks";
import { useLocation } from "wouter";
import type { Row } from "../replica/replica";
import { pathOf } from "../shell/address";
import { phone } from "./phone";
import { tally } from "./SearchLine";

/** The highest that the map gets, in pixels: of thousands the squares are smaller. */
const HIGHEST = 120;
const SIZES = [12, 10, 8, 6, 4, 3];

/** How large a square is, with its gap, so that all of them fit. */
export function cell(count: number, width: number): { size: number; gap: number; columns: number } {
  for (const size of SIZES) {
    const gap = size > 6 ? 3 : size > 3 ? 2 : 1;
    const columns = Math.max(1, Math.floor((width + gap) / (size + gap)));
    if (Math.ceil(count / columns) * (size + gap) <= HIGHEST || size === SIZES[SIZES.length - 1]) return { size, gap, columns };
  }
  throw new Error("unreachable: the last size is taken");
}

/** One square for each application, drawn as a picture: thousands cost as much as ten. */
export function HealthMap({ rows }: { rows: Row[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, go] = useLocation();
  const small = phone.value;

  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext?.("2d");
    if (!element || !context) return;
    const draw = () => {
      const width = element.parentElement?.clientWidth ?? 0;
      const { size, gap, columns } = cell(rows.length, width);
      const height = Math.max(size, Math.ceil(rows.length / columns) * (size + gap) - gap);
      const ratio = window.devicePixelRatio || 1;
      element.width = Math.round(width * ratio);
      element.height = Math.round(height * ratio);
      element.style.height = `${height}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const style = getComputedStyle(element);
      const colours = Object.fromEntries(["bad", "warn", "run", "hold", "ok", "none"].map((look) => [look, style.getPropertyValue(`--map-${look}`)]));
      rows.forEach((row, at) => {
        const left = (at % columns) * (size + gap);
        const top = Math.floor(at / columns) * (size + gap);
        context.fillStyle = colours[row.state.look] ?? "";
        context.beginPath();
        context.roundRect(left, top, size, size, size > 6 ? 3 : 1);
        context.fill();
      });
    };
    draw();
    const watcher = new ResizeObserver(draw);
    if (element.parentElement) watcher.observe(element.parentElement);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      watcher.disconnect();
      dark.removeEventListener("change", draw);
    };
  }, [rows, small]);

  const under = (event: MouseEvent): Row | undefined => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box) return undefined;
    const { size, gap, columns } = cell(rows.length, box.width);
    const column = Math.floor((event.clientX - box.left) / (size + gap));
    return column < columns ? rows[Math.floor((event.clientY - box.top) / (size + gap)) * columns + column] : undefined;
  };

  return (
    <div class="map">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Health of ${rows.length} applications: ${tally(rows)
          .map(([word, size]) => `${size} ${word}`)
          .join(", ")}`}
        onMouseMove={(event) => {
          const row = under(event);
          event.currentTarget.title = row ? `${row.name}: ${row.state.word}. ${row.reason.sentence}` : "";
          event.currentTarget.style.cursor = row ? "pointer" : "";
        }}
        onClick={(event) => {
          const row = under(event);
          if (row) go(pathOf(row.namespace, row.name));
        }}
      />
    </div>
  );
}
