/** The commit that changed an application: the last one that touched what it is made of. Pure. */

import type { Application } from "./application";

export const CHANGED = "trueup.dev/changed-by";

export interface LastChange {
  revision: string;
  author?: string;
  at?: string;
  subject?: string;
}

/** Undefined where the engine has not said it. Whoever may write the application may write the annotation: it is text. */
export function changeOf(app: Application): LastChange | undefined {
  const text = app.metadata.annotations?.[CHANGED];
  if (!text || text.length > 8_000) return undefined;
  try {
    const { revision, author, at, subject } = JSON.parse(text) as Record<string, unknown>;
    if (typeof revision !== "string" || !revision) return undefined;
    return { revision, ...(typeof author === "string" ? { author } : {}), ...(typeof at === "string" ? { at } : {}), ...(typeof subject === "string" ? { subject } : {}) };
  } catch {
    return undefined;
  }
}
