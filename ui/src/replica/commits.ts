/** Author and message of commits, asked for when a row that shows one is on the screen; few at a time, each once. */

import { type Signal, signal } from "@preact/signals";
import type { Row } from "./replica";
import { api } from "../net/client";
import { sourcesOf } from "../model/application";

export interface Commit {
  author?: string;
  date?: string;
  message?: string;
  tags?: string[];
}

const AT_ONCE = 4;
const known = new Map<string, Signal<Commit | undefined>>();
const waiting: (() => Promise<void>)[] = [];
let running = 0;

/** What is known of a revision; undefined until, and where, the server does not say. */
export function commitOf(row: Row, revision = row.revision): Signal<Commit | undefined> {
  if (row.change && row.change.revision === revision) {
    const { author = "", at = "", subject = "" } = row.change;
    // It came with the application: nobody is asked.
    return signal({ author, date: at, message: subject });
  }
  const source = sourcesOf(row.app)[0];
  const key = `${source?.repoURL ?? ""} ${revision}`;
  const there = known.get(key);
  if (there) return there;
  const answer = signal<Commit | undefined>(undefined);
  known.set(key, answer);
  // A chart's version has no commit.
  if (revision && !source?.chart) {
    waiting.push(async () => {
      const path = `/v1/applications/${encodeURIComponent(row.name)}/revisions/${encodeURIComponent(revision)}/metadata`;
      answer.value = await api<Commit>(path, { query: { appNamespace: row.namespace } }).catch(() => undefined);
    });
    next();
  }
  return answer;
}

function next(): void {
  while (running < AT_ONCE && waiting.length) {
    // The latest first: it is what a person who scrolls looks at.
    const work = waiting.pop() as () => Promise<void>;
    running++;
    void work().finally(() => {
      running--;
      next();
    });
  }
}
