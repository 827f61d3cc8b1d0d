/**
 * Where everything stands in the picture of an application: Git, render, hooks and waves, what they have made, Pods, from
 * left to right. Each object has a band of its own from its wave to its Pods, so no line crosses a box. Pure.
 */

import { type Application, type ObjectRef, type ResourceStatus, revisionOf, sourcesOf } from "../model/application";
import { refOf, type Tree, type TreeNode } from "../model/tree";
import { compare, type Look, lookOfObject } from "../words/state";
import { words } from "../words/reason";
import { brief, count, oneLine, shortRevision } from "../words/text";

export interface Box {
  id: string;
  column: number;
  x: number;
  y: number;
  width: number;
  height: number;
  look: Look;
  title: string;
  detail: string;
  /** The object that it is; without one it is a source, a renderer or a folded group. */
  object?: string;
  /** The group that a click unfolds. */
  folded?: string;
}

export interface Line {
  from: string;
  to: string;
  look: Look;
}

export interface Picture {
  columns: { title: string; x: number }[];
  boxes: Box[];
  lines: Line[];
  width: number;
  height: number;
}

/** Git and the renderer have less to say than objects. */
const WIDTHS = [124, 116];
const WIDTH = 164;
const GAP = 36;
const STAIR = 92;
const TOP = 40;
const ROW = 10;
const ONE_LINE = 38;
const TWO_LINES = 54;
const MARGIN = 16;
/** Healthy ones that are shown before the rest is folded, and the most that an unfolded group shows. */
const HEALTHY = 3;
const UNFOLDED = 200;

/** Links of a chain that say nothing while they are well. */
const LINKS = new Set(["ReplicaSet", "ControllerRevision", "EndpointSlice", "Endpoints", "PodMetrics"]);
const BEFORE = ["PreSync"];

interface Thing {
  ref: ObjectRef;
  look: Look;
  title: string;
  detail: string;
}

const widthOf = (column: number): number => WIDTHS[column] ?? WIDTH;

const isWell = (look: Look): boolean => look === "ok" || look === "none";

export function picture(app: Application, tree: Tree | undefined, open: ReadonlySet<string>): Picture {
  const resources = app.status?.resources ?? [];
  const { made, pods } = offspring(resources, tree?.nodes ?? []);
  const phases = columnsOf(app, resources, tree);
  const hasMade = [...made.values()].some((list) => list.length);
  const hasPods = [...pods.values()].some((list) => list.length);
  const titles = ["Git", "Render", ...phases.map((phase) => phase.title), ...(hasMade ? ["Made by them"] : []), ...(hasPods ? ["Pods"] : [])];
  // Objects of several waves have bands of their own, so their columns may lie over each other: the picture stays narrow.
  const step = phases.length > 2 ? STAIR : WIDTH + GAP;
  let x = MARGIN - GAP;
  const columns = titles.map((title, at) => {
    const stair = at > 2 && at < 2 + phases.length;
    const left = stair ? x - WIDTH + step : x + GAP;
    x = left + widthOf(at);
    return { title, x: left };
  });
  const madeColumn = 2 + phases.length;
  const podColumn = madeColumn + (hasMade ? 1 : 0);

  const boxes: Box[] = [];
  const lines: Line[] = [];
  const place = (column: number, y: number, thing: Omit<Thing, "ref">, more: Partial<Box> & { id: string }): Box => {
    const { look, title, detail } = thing;
    const box: Box = { column, x: columns[column]?.x ?? 0, y, width: widthOf(column), height: detail ? TWO_LINES : ONE_LINE, look, title, detail, ...more };
    boxes.push(box);
    return box;
  };
  /** Boxes of a list, one below the other. Returns how high they are. */
  const stack = (things: Thing[], group: string, column: number, y: number, parent: string): number => {
    const [shown, rest] = fold(things, open.has(group));
    let at = y;
    for (const thing of shown) {
      const box = place(column, at, thing, { id: refOf(thing.ref), object: refOf(thing.ref) });
      lines.push({ from: parent, to: box.id, look: thing.look });
      at += box.height + ROW;
    }
    if (rest) {
      const box = place(column, at, { look: "ok", title: `${rest} more, healthy`, detail: "" }, { id: group, folded: group });
      lines.push({ from: parent, to: box.id, look: "ok" });
      at += box.height + ROW;
    }
    return at - y;
  };

  let y = TOP;
  phases.forEach((phase, index) => {
    const column = 2 + index;
    const group = `phase ${phase.title}`;
    const [shown, rest] = fold(phase.things, open.has(group), (thing) => (pods.get(refOf(thing.ref))?.length ?? 0) > 0);
    for (const thing of shown) {
      const id = refOf(thing.ref);
      const children = stack(made.get(id) ?? [], `made ${id}`, madeColumn, y, id);
      const running = stack(pods.get(id) ?? [], `pods ${id}`, podColumn, y, id);
      const own = thing.detail ? TWO_LINES : ONE_LINE;
      const band = Math.max(own + ROW, children, running);
      place(column, y + (band - ROW - own) / 2, thing, { id, object: id });
      lines.push({ from: "render", to: id, look: thing.look });
      y += band;
    }
    if (rest) {
      const box = place(column, y, { look: "ok", title: `${rest} more, healthy`, detail: "" }, { id: group, folded: group });
      lines.push({ from: "render", to: group, look: "ok" });
      y += box.height + ROW;
    }
  });
  const height = Math.max(y, TOP + TWO_LINES + ROW);

  const wrong = worst(phases.flatMap((phase) => phase.things.map((thing) => thing.look)));
  const sources = sourcesOf(app);
  const middle = (TOP + height - ROW) / 2;
  const sourceY = Math.max(TOP, middle - (sources.length * (TWO_LINES + ROW) - ROW) / 2);
  sources.slice(0, 20).forEach((source, at) => {
    const revision = (sources.length > 1 ? app.status?.sync?.revisions?.[at] : revisionOf(app)) || source.targetRevision || "HEAD";
    const title = shortRevision(revision);
    const detail = oneLine(source.chart || source.path || source.repoURL || "", 80);
    const box = place(0, sourceY + at * (TWO_LINES + ROW), { look: "none", title, detail }, { id: `source ${at}` });
    lines.push({ from: box.id, to: "render", look: wrong });
  });
  const type = app.status?.sourceType || app.status?.sourceTypes?.[0] || "Manifests";
  const renderDetail = resources.length ? count(resources.length, "object") : "nothing rendered yet";
  place(1, Math.max(TOP, middle - TWO_LINES / 2), { look: "none", title: type === "Directory" ? "Manifests" : type, detail: renderDetail }, { id: "render" });

  // Those of what is wrong are drawn last, over the others.
  lines.sort((a, b) => Number(a.look === "bad") - Number(b.look === "bad"));
  return { columns, boxes, lines, width: x + MARGIN, height };
}

/** What is wrong first and always; of what is well some, those that are asked for first. */
function fold(things: Thing[], open: boolean, first: (thing: Thing) => boolean = () => false): [Thing[], number] {
  const ordered = [...things].sort((a, b) => Number(isWell(a.look)) - Number(isWell(b.look)) || Number(first(b)) - Number(first(a)));
  const wrong = ordered.filter((thing) => !isWell(thing.look)).length;
  const limit = open ? Math.max(UNFOLDED, wrong) : wrong + HEALTHY;
  // One that is folded takes as much room as one that is shown.
  const shown = ordered.length <= limit + 1 ? ordered : ordered.slice(0, limit);
  return [shown, ordered.length - shown.length];
}

const ORDER: Look[] = ["bad", "warn", "run", "hold", "ok", "none"];
const worst = (looks: Look[]): Look => (looks.includes("bad") ? "bad" : "ok");

function columnsOf(app: Application, resources: ResourceStatus[], tree: Tree | undefined): { title: string; things: Thing[] }[] {
  const gone = new Set((tree?.nodes ?? []).filter((node) => node.health?.status === "Missing").map(refOf));
  const waves = new Map<number, Thing[]>();
  for (const one of resources) {
    const wave = Number(one.syncWave ?? 0) || 0;
    // Kinds without a health of their own are missing by the tree alone.
    const seen = gone.has(refOf(one)) ? { ...one, health: { status: "Missing" } } : one;
    waves.set(wave, [...(waves.get(wave) ?? []), thingOf(seen, one.status)]);
  }
  const hooks = new Map<string, Thing[]>();
  for (const one of app.status?.operationState?.syncResult?.resources ?? []) {
    if (!one.hookType) continue;
    const phase = one.syncPhase || one.hookType;
    const look: Look = one.hookPhase === "Failed" || one.hookPhase === "Error" ? "bad" : one.hookPhase === "Running" ? "run" : "ok";
    const thing = { ref: one, look, title: titleOf(one), detail: look === "ok" ? "" : oneLine(one.message || one.hookPhase || "", 100) };
    hooks.set(phase, [...(hooks.get(phase) ?? []), thing]);
  }
  const ofHooks = (before: boolean) =>
    [...hooks].filter(([phase]) => BEFORE.includes(phase) === before).map(([phase, things]) => ({ title: `${phase} hooks`, things }));
  const one = waves.size === 1;
  return [
    ...ofHooks(true),
    ...[...waves].sort(([a], [b]) => a - b).map(([wave, things]) => ({ title: one ? "Objects" : `Wave ${wave}`, things: things.sort(byLook) })),
    ...ofHooks(false),
  ];
}

const byLook = (a: Thing, b: Thing): number => ORDER.indexOf(a.look) - ORDER.indexOf(b.look) || compare(a.title, b.title);
const titleOf = (one: ObjectRef): string => `${brief(one.kind ?? "", 40)} ${brief(one.name ?? "", 60)}`;

function thingOf(one: ObjectRef & { health?: { status?: string; message?: string }; requiresPruning?: boolean }, sync?: string): Thing {
  const look = lookOfObject(one.health?.status, sync);
  const told = one.health?.message && look !== "ok" ? oneLine(words(one.health.message), 100) : "";
  const detail = told || (one.requiresPruning ? "no longer in Git" : look === "warn" ? (one.health?.status === "Missing" ? "not in the cluster" : "differs from Git") : look === "ok" || look === "none" ? "" : (one.health?.status ?? ""));
  return { ref: one, look, title: titleOf(one), detail };
}

/** What each declared object has brought forth, however far down: Pods, and other things that have something to say. */
function offspring(resources: ResourceStatus[], nodes: TreeNode[]): { made: Map<string, Thing[]>; pods: Map<string, Thing[]> } {
  const declared = new Set(resources.map(refOf));
  const byUid = new Map(nodes.map((node) => [node.uid, node]));
  const byRef = new Map(nodes.map((node) => [refOf(node), node]));
  const root = (node: TreeNode): string | undefined => {
    const seen = new Set<TreeNode>();
    for (let at: TreeNode | undefined = node; at && !seen.has(at); ) {
      seen.add(at);
      if (declared.has(refOf(at))) return refOf(at);
      const parent: ObjectRef | undefined = at.parentRefs?.[0];
      if (!parent) return undefined;
      if (declared.has(refOf(parent))) return refOf(parent);
      at = (parent.uid ? byUid.get(parent.uid) : undefined) ?? byRef.get(refOf(parent));
    }
    return undefined;
  };
  const made = new Map<string, Thing[]>();
  const pods = new Map<string, Thing[]>();
  for (const node of nodes) {
    if (declared.has(refOf(node))) continue;
    const isPod = node.kind === "Pod" && !node.group;
    const thing = isPod ? podOf(node) : thingOf(node);
    if (!isPod && (LINKS.has(node.kind ?? "") ? thing.look !== "bad" : thing.look === "none")) continue;
    const owner = root(node);
    if (!owner) continue;
    const into = isPod ? pods : made;
    into.set(owner, [...(into.get(owner) ?? []), thing]);
  }
  for (const list of [...made.values(), ...pods.values()]) list.sort(byLook);
  return { made, pods };
}

function podOf(node: TreeNode): Thing {
  const thing = thingOf(node);
  const reason = node.info?.find((one) => one.name === "Status Reason")?.value ?? "";
  return { ...thing, title: brief(node.name ?? "", 60), detail: thing.look === "ok" ? "" : thing.detail || brief(reason, 60) };
}
