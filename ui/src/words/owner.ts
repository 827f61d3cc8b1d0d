/** Who wrote a field that differs, and when: by the managers that a cluster notes for each. Pure. */

import { brief } from "./text";

export interface Drifted {
  /** As people write it: spec.template.spec.containers[web].image */
  field: string;
  /** As it is, and as Git has it; undefined where it is not there. */
  live: unknown;
  wanted: unknown;
  /** What wrote it last: kubectl-edit. Empty where nobody is noted. */
  manager: string;
  /** When; empty where it is not noted. */
  time: string;
}

interface Managed {
  manager?: string;
  operation?: string;
  subresource?: string;
  time?: string;
  fieldsV1?: unknown;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** A step into an object: a key of a map, or an item of a list with what tells it from the others. */
type Step = { key: string } | { item: Json; at: number };

const MOST = 200;
/** By what items of lists are told apart, as Kubernetes' lists have it. */
const NAMES = ["name", "containerPort", "port", "key", "type", "ip", "uid", "mountPath", "devicePath", "topologyKey"];
const DEEPEST = 60;

const isMap = (value: Json | undefined): value is { [key: string]: Json } => typeof value === "object" && value !== null && !Array.isArray(value);

const nameIn = (item: Json): string | undefined => (isMap(item) ? NAMES.find((name) => typeof item[name] === "string" || typeof item[name] === "number") : undefined);

function* differing(live: Json | undefined, wanted: Json | undefined, path: Step[]): Generator<{ path: Step[]; live: Json | undefined; wanted: Json | undefined }> {
  if (live === wanted || JSON.stringify(live) === JSON.stringify(wanted)) return;
  if (path.length < DEEPEST && isMap(live) && isMap(wanted)) {
    for (const key of new Set([...Object.keys(live), ...Object.keys(wanted)])) yield* differing(live[key], wanted[key], [...path, { key }]);
    return;
  }
  const names = path.length < DEEPEST && Array.isArray(live) && Array.isArray(wanted) ? [...live, ...wanted].map(nameIn) : [];
  const [by] = names;
  if (by && names.every((name) => name === by)) {
    const other = new Map((wanted as Json[]).map((item) => [(item as Record<string, Json>)[by], item]));
    for (const [at, item] of (live as Json[]).entries()) {
      const name = (item as Record<string, Json>)[by];
      yield* differing(item, other.get(name as Json), [...path, { item, at }]);
      other.delete(name as Json);
    }
    for (const item of other.values()) yield* differing(undefined, item, [...path, { item, at: -1 }]);
    return;
  }
  yield { path, live, wanted };
}

function written(path: Step[]): string {
  let text = "";
  for (const step of path) {
    if ("key" in step) text += /^[\w-]+$/.test(step.key) ? `${text ? "." : ""}${step.key}` : `["${step.key}"]`;
    else {
      const name = nameIn(step.item);
      text += `[${name ? String((step.item as Record<string, Json>)[name]) : step.at}]`;
    }
  }
  return brief(text, 160);
}

/** Whether a manager's fields have a path, or own it as a whole. */
function owns(fields: unknown, path: Step[]): boolean {
  let at = fields;
  for (const step of path) {
    if (typeof at !== "object" || at === null) return false;
    const known = at as Record<string, unknown>;
    const keys = Object.keys(known);
    // A leaf: it is owned with all that is below.
    if (!keys.length || (keys.length === 1 && keys[0] === ".")) return at !== fields;
    if ("key" in step) at = known[`f:${step.key}`];
    else at = keys.filter((key) => key.startsWith("k:")).map((key) => [key, known[key]] as const).find(([key]) => isItem(key.slice(2), step.item))?.[1];
    if (at === undefined) return false;
  }
  return true;
}

function isItem(text: string, item: Json): boolean {
  try {
    const wanted = JSON.parse(text) as Record<string, Json>;
    return isMap(item) && Object.entries(wanted).every(([key, value]) => item[key] === value || (key === "protocol" && item[key] === undefined && value === "TCP"));
  } catch {
    return false;
  }
}

/**
 * What differs, field by field, and who wrote what is there.
 *
 * @param live the object as it is, with its managers: JSON.
 * @param wanted as an apply would leave it.
 */
export function driftedOf(live: string | undefined, wanted: string | undefined, whole: string | undefined = live): Drifted[] {
  let there: Json;
  let becoming: Json;
  let managed: Managed[];
  try {
    there = JSON.parse(live ?? "null") as Json;
    becoming = JSON.parse(wanted ?? "null") as Json;
    const told = (JSON.parse(whole ?? "null") as { metadata?: { managedFields?: unknown } } | null)?.metadata?.managedFields;
    managed = Array.isArray(told) ? told.filter((one): one is Managed => typeof one === "object" && one !== null) : [];
  } catch {
    return [];
  }
  if (!isMap(there) || !isMap(becoming)) return [];
  for (const one of [there, becoming]) if (isMap(one.metadata)) for (const key of ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"]) delete one.metadata[key];
  const latest = [...managed].sort((a, b) => ((a.time ?? "") < (b.time ?? "") ? 1 : -1));
  const found: Drifted[] = [];
  for (const one of differing(there, becoming, [])) {
    const owner = one.live === undefined ? undefined : latest.find((entry) => owns(entry.fieldsV1, one.path));
    found.push({ field: written(one.path), live: one.live, wanted: one.wanted, manager: owner?.manager ?? "", time: owner?.time ?? "" });
    if (found.length >= MOST) break;
  }
  return found;
}

/** A value in a word. */
export function valueInWords(value: unknown): string {
  if (value === undefined) return "nothing";
  return brief(typeof value === "string" ? value || '""' : JSON.stringify(value), 60);
}
