import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Link } from "wouter";
import type { Tree } from "../model/tree";
import type { ApiError } from "../net/client";
import { phone } from "../fleet/phone";
import { Shape } from "../parts/parts";
import type { Row } from "../replica/replica";
import { useHere } from "../shell/address";
import { useKeys } from "../shell/keyboard";
import { type Box, type Picture, picture } from "./layout";

interface Props {
  row: Row;
  tree: Tree | undefined;
  error: ApiError | undefined;
}

/** Git, render, waves, Pods: from left to right as the work flows; on a phone from top to bottom. */
export function Topology({ row, tree, error }: Props) {
  const [open, unfold] = useState<ReadonlySet<string>>(new Set());
  const drawn = useMemo(() => picture(row.app, tree, open), [row, tree, open]);
  const onFold = (group: string) => unfold((before) => new Set(before).add(group));
  return (
    <div class="card topology">
      {phone.value ? <Outline drawn={drawn} onFold={onFold} /> : <Drawing drawn={drawn} onFold={onFold} />}
      <p class="note">
        {error && !tree ? `What the objects have made is not known: ${error.message}. ` : ""}
        {open.size ? (
          <button type="button" class="link" onClick={() => unfold(new Set())}>
            Fold what is healthy
          </button>
        ) : (
          "What is wrong is open, the rest is folded."
        )}
      </p>
    </div>
  );
}

const STEPS = [0.4, 0.5, 0.65, 0.8, 1, 1.25, 1.6];

function Drawing({ drawn, onFold }: { drawn: Picture; onFold: (group: string) => void }) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, measure] = useState(0);
  const [zoom, setZoom] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const look = () => measure(element.clientWidth);
    look();
    const watcher = new ResizeObserver(look);
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  // Smaller than this nobody can read it: then it is moved instead.
  const fitting = width ? Math.max(0.75, Math.min(1, width / drawn.width)) : 1;
  const scale = zoom || fitting;
  const step = (by: number) => {
    const near = STEPS.reduce((best, one) => (Math.abs(one - scale) < Math.abs(best - scale) ? one : best));
    setZoom(STEPS[Math.min(STEPS.length - 1, Math.max(0, STEPS.indexOf(near) + by))] as number);
  };
  useKeys({ f: () => setZoom(0), "+": () => step(1), "=": () => step(1), "-": () => step(-1) });
  useDrag(frame);
  const byId = new Map(drawn.boxes.map((box) => [box.id, box]));
  return (
    <>
      <div class="zoom" role="group" aria-label="Zoom">
        <button type="button" aria-label="Smaller" onClick={() => step(-1)}>
          −
        </button>
        <button type="button" onClick={() => setZoom(0)}>
          Fit
        </button>
        <button type="button" aria-label="Larger" onClick={() => step(1)}>
          +
        </button>
      </div>
      <div class="frame" ref={frame} tabIndex={0} role="group" aria-label="From Git to Pods">
        <div style={{ width: `${drawn.width * scale}px`, height: `${drawn.height * scale}px` }}>
          <div class="drawing" style={{ width: `${drawn.width}px`, height: `${drawn.height}px`, transform: `scale(${scale})` }}>
            <svg width={drawn.width} height={drawn.height} aria-hidden="true">
              {drawn.lines.map((line) => {
                const [from, to] = [byId.get(line.from), byId.get(line.to)];
                return from && to ? <path key={`${line.from} ${line.to}`} class={`edge ${line.look}`} d={curve(from, to)} /> : null;
              })}
            </svg>
            {drawn.columns.map((column) => (
              <span key={column.x} class="column" style={{ left: `${column.x}px` }}>
                {column.title}
              </span>
            ))}
            {drawn.boxes.map((box) => (
              <Node key={box.id} box={box} onFold={onFold} style={{ left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` }} />
            ))}
          </div>
        </div>
      </div>
    </>
  );
}

/** Up and down beside the box that it leaves or the box that it comes to, whichever has room, and straight between. */
function curve(from: Box, to: Box): string {
  const [x1, y1, x2, y2] = [from.x + from.width, from.y + from.height / 2, to.x, to.y + to.height / 2];
  const bend = 18;
  const near = to.column - from.column > 1 && to.column > 1 && from.column === 1;
  // From the renderer lines part at once and run in the band of their object; to Pods they run in it, and part at the end.
  const [a, b] = near ? [x1 + 2 * bend, x2] : [x1, x2 - 2 * bend];
  return near ? `M${x1} ${y1}C${x1 + bend} ${y1} ${a - bend} ${y2} ${a} ${y2}L${b} ${y2}` : `M${x1} ${y1}L${Math.max(x1, b)} ${y1}C${Math.max(x1, b) + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function Node({ box, onFold, style }: { box: Box; onFold: (group: string) => void; style?: Record<string, string> }) {
  const here = useHere();
  const inside = (
    <>
      {box.object || box.folded ? <Shape look={box.look} label={box.look === "none" ? "no health" : { bad: "degraded", warn: "out of sync", run: "progressing", hold: "suspended", ok: "healthy" }[box.look]} /> : null}
      <span>
        <span class="title">{box.title}</span>
        {box.detail && <small>{box.detail}</small>}
      </span>
    </>
  );
  const name = `node ${box.look}`;
  const title = box.detail ? `${box.title}: ${box.detail}` : box.title;
  if (box.folded)
    return (
      <button type="button" class={`${name} folded`} style={style ?? {}} title={title} onClick={() => onFold(box.folded ?? "")}>
        {inside}
      </button>
    );
  if (!box.object)
    return (
      <div class={name} style={style ?? {}} title={title}>
        {inside}
      </div>
    );
  return (
    <Link href={here("object", box.object)} class={name} style={style ?? {}} title={title}>
      {inside}
    </Link>
  );
}

/** The same as a list: one column after the other. */
function Outline({ drawn, onFold }: { drawn: Picture; onFold: (group: string) => void }) {
  return (
    <div class="outline">
      {drawn.columns.map((column, at) => (
        <section key={column.title}>
          <h3>{column.title}</h3>
          {drawn.boxes
            .filter((box) => box.column === at)
            .map((box) => (
              <Node key={box.id} box={box} onFold={onFold} />
            ))}
        </section>
      ))}
    </div>
  );
}

/** The picture is moved by dragging what is no box. */
function useDrag(frame: { current: HTMLDivElement | null }): void {
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    let last: PointerEvent | undefined;
    const down = (event: PointerEvent) => {
      if (event.button === 0 && event.pointerType === "mouse" && !(event.target as Element).closest("a,button")) last = event;
    };
    const move = (event: PointerEvent) => {
      if (!last) return;
      element.scrollBy(last.clientX - event.clientX, last.clientY - event.clientY);
      last = event;
    };
    const up = () => (last = undefined);
    element.addEventListener("pointerdown", down);
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    return () => {
      element.removeEventListener("pointerdown", down);
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
    };
  }, []);
}

