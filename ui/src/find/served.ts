/** Whose an object is that no application declares: a Pod, or what else objects have made, by its whole name. The rest the page knows itself. */

import { useEffect, useState } from "preact/hooks";
import type { ObjectRef } from "../model/application";
import { refOf } from "../model/tree";
import { api, ApiError } from "../net/client";
import { fleet } from "../replica/fleet";
import type { Row } from "../replica/replica";
import { pathOf } from "../shell/address";
import { compare } from "../words/state";
import { brief } from "../words/text";
import type { Hit } from "./hits";

export interface FoundObject extends ObjectRef {
  application?: string;
  appNamespace?: string;
  project?: string;
  /** The owner by which it is the application's; empty where it is declared. */
  via?: string;
}

export interface Served {
  hits: Hit[];
  /** What has to be said of them. */
  note: string;
}

/** A server that does not know the question is not asked it again. */
let unknown = false;
const UNKNOWN = "Pods are not among them: this server does not look for them.";

const NONE: Served = { hits: [], note: "" };
/** After the last letter, in milliseconds. */
const SOON = 120;

/** Kinds that are asked for by a word before the name; without one it is a Pod's. */
const KINDS: Record<string, { group?: string; kind: string }> = {
  pod: { kind: "Pod" },
  replicaset: { group: "apps", kind: "ReplicaSet" },
  job: { group: "batch", kind: "Job" },
  endpointslice: { group: "discovery.k8s.io", kind: "EndpointSlice" },
};

/** What the server is asked; undefined where a line is no name of such an object. */
export function questionOf(line: string): { q: string; group?: string; kind: string } | undefined {
  const words = line.trim().split(/\s+/);
  const [first = "", second] = words;
  const kind = second === undefined ? KINDS.pod : KINDS[first.toLowerCase()];
  const name = second ?? first;
  // What makes Pods puts at least one word behind its own name.
  return kind && words.length <= 2 && name.length > 2 && name.includes("-") ? { q: name, ...kind } : undefined;
}

/** The most namespaces that are asked about for one name. */
const PLACES = 4;

/** Namespaces in which something is that may have made an object of a name: its name begins like theirs, the longest first. */
export function placesOf(name: string, rows: Iterable<Row>): string[] {
  const found = new Map<string, number>();
  for (const row of rows)
    for (const one of row.app.status?.resources ?? [])
      if (one.name && one.namespace && name.startsWith(`${one.name}-`)) found.set(one.namespace, Math.max(found.get(one.namespace) ?? 0, one.name.length));
  return [...found].sort((a, b) => b[1] - a[1] || compare(a[0], b[0])).slice(0, PLACES).map(([namespace]) => namespace);
}

export function foundHits(items: readonly FoundObject[]): Hit[] {
  const hits = items
    .filter((one) => one.application && one.kind && one.name)
    .map((one): Hit => ({
      id: `object ${one.appNamespace}/${one.application} ${refOf(one)}`,
      group: "Objects",
      look: "none",
      title: `${brief(one.kind ?? "", 40)} ${brief(one.name ?? "", 80)}`,
      detail: [one.namespace ? `namespace ${brief(one.namespace, 60)}` : "", `of ${brief(one.application ?? "", 60)}`, one.via ? `made by ${brief(one.via, 80)}` : ""].filter(Boolean).join(" · "),
      href: `${pathOf(one.appNamespace ?? "", one.application ?? "")}?object=${encodeURIComponent(refOf(one))}`,
    }));
  // What is told twice is one thing.
  return [...new Map(hits.map((hit) => [hit.id, hit])).values()];
}

export function useFound(line: string): Served {
  const [served, tell] = useState<Served>(NONE);
  const question = questionOf(line);
  const wanted = JSON.stringify(question);
  useEffect(() => {
    if (!question) return tell(NONE);
    if (unknown) return tell({ hits: [], note: UNKNOWN });
    const stopped = new AbortController();
    const timer = setTimeout(() => {
      const places = placesOf(question.q, fleet.rows.value.values());
      const asked = places.map((namespace) => api<{ items?: FoundObject[] | null }>("/v1/trueup/find", { query: { ...question, namespace, limit: 12 }, signal: stopped.signal }));
      Promise.all(asked).then(
        (answers) => tell({ hits: foundHits(answers.flatMap((answer) => answer.items ?? [])), note: "" }),
        (error: unknown) => {
          if (stopped.signal.aborted) return;
          unknown = error instanceof ApiError && (error.unbuilt || error.status === 404);
          tell({ hits: [], note: unknown ? UNKNOWN : "The server was not asked about Pods: it does not answer." });
        },
      );
    }, SOON);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [wanted]);
  return served;
}
