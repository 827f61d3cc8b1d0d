/** What the server finds that the page has no copy of: Pods, and whatever else objects have made. */

import { useEffect, useState } from "preact/hooks";
import type { ObjectRef } from "../model/application";
import { refOf } from "../model/tree";
import { api, ApiError } from "../net/client";
import { pathOf } from "../shell/address";
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

export function foundHits(items: readonly FoundObject[]): Hit[] {
  return items
    .filter((one) => one.application && one.kind && one.name)
    .map((one) => ({
      id: `object ${one.appNamespace}/${one.application} ${refOf(one)}`,
      group: "Objects",
      look: "none",
      title: `${brief(one.kind ?? "", 40)} ${brief(one.name ?? "", 80)}`,
      detail: [one.namespace ? `namespace ${brief(one.namespace, 60)}` : "", `of ${brief(one.application ?? "", 60)}`, one.via ? `made by ${brief(one.via, 80)}` : ""].filter(Boolean).join(" · "),
      href: `${pathOf(one.appNamespace ?? "", one.application ?? "")}?object=${encodeURIComponent(refOf(one))}`,
    }));
}

export function useFound(line: string): Served {
  const [served, tell] = useState<Served>(NONE);
  const wanted = line.trim();
  useEffect(() => {
    if (wanted.length < 2) return tell(NONE);
    if (unknown) return tell({ hits: [], note: UNKNOWN });
    const stopped = new AbortController();
    const timer = setTimeout(() => {
      api<{ items?: FoundObject[] | null }>("/v1/trueup/find", { query: { q: wanted, limit: 12 }, signal: stopped.signal }).then(
        (answer) => tell({ hits: foundHits(answer.items ?? []), note: "" }),
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
