/** What a sync would do, in the order in which it would do it. Pure: from what differs, and what the objects say of their order. */

import type { ObjectRef } from "../model/application";
import { type ManagedObject, refOf } from "../model/tree";
import { compare } from "../words/state";

export type Verb = "create" | "change" | "delete" | "keep" | "run" | "apply";

export interface Step {
  verb: Verb;
  object: ObjectRef;
}

export interface Phase {
  title: string;
  steps: Step[];
}

const HOOK = "argocd.argoproj.io/hook";
const WAVE = "argocd.argoproj.io/sync-wave";
const ORDER = ["PreSync", "Sync", "PostSync"];
/** Objects that others stand in, first within a wave. */
const FIRST = ["Namespace", "CustomResourceDefinition", "ServiceAccount", "Secret", "ConfigMap", "Service"];

export function planOf(items: ManagedObject[], prune: boolean, selected?: ReadonlySet<string>): Phase[] {
  const phases = new Map<string, { phase: number; wave: number; steps: Step[] }>();
  for (const item of items) {
    if (selected?.size && !selected.has(refOf(item))) continue;
    const target = read(item.targetState);
    const live = read(item.liveState);
    const annotations = (target ?? live)?.metadata?.annotations ?? {};
    const hooks = String(annotations[HOOK] ?? "").split(",").map((one) => one.trim()).filter((one) => ORDER.includes(one));
    const wave = Number.parseInt(String(annotations[WAVE] ?? "0"), 10) || 0;
    // What goes, goes after what comes.
    const verb: Verb = hooks.length ? "run" : !target ? (prune ? "delete" : "keep") : !live ? "create" : item.modified ? "change" : "apply";
    for (const phase of hooks.length ? hooks : ["Sync"]) {
      const key = verb === "delete" || verb === "keep" ? "prune" : `${phase} ${wave}`;
      const known = phases.get(key) ?? { phase: key === "prune" ? 1.5 : ORDER.indexOf(phase), wave: key === "prune" ? 0 : wave, steps: [] };
      known.steps.push({ verb, object: item });
      phases.set(key, known);
    }
  }
  return [...phases.entries()]
    .sort(([, a], [, b]) => a.phase - b.phase || a.wave - b.wave)
    .map(([key, { phase, wave, steps }]) => ({
      title: key === "prune" ? (prune ? "Then delete what left Git" : "Left alone: no longer in Git, and pruning is off") : `${phase === 1 ? "" : `${ORDER[phase]}, `}wave ${wave}`,
      steps: steps.sort((a, b) => rank(a) - rank(b) || compare(refOf(a.object), refOf(b.object))),
    }));
}

function rank({ object }: Step): number {
  const at = FIRST.indexOf(object.kind ?? "");
  return at < 0 ? FIRST.length : at;
}

/** How many of each verb: the plan as one sentence is made of it. */
export function tallyOf(phases: Phase[]): Partial<Record<Verb, number>> {
  const found: Partial<Record<Verb, number>> = {};
  for (const { steps } of phases) for (const { verb } of steps) found[verb] = (found[verb] ?? 0) + 1;
  return found;
}

interface Read {
  metadata?: { annotations?: Record<string, unknown> };
}

function read(state: string | undefined): Read | undefined {
  if (!state || state === "null") return undefined;
  try {
    return (JSON.parse(state) as Read | null) ?? undefined;
  } catch {
    return {};
  }
}
