/** Applications that are made by others: an application of applications, and its tree. Pure. */

import type { Application } from "./application";

interface Listed {
  key: string;
  app: Application;
}

/** Applications that an application declares, made once for each. */
const known = new WeakMap<Application, readonly string[]>();

function childrenOf(app: Application): readonly string[] {
  let found = known.get(app);
  if (!found) {
    found = (app.status?.resources ?? []).filter((one) => one.kind === "Application" && one.group === "argoproj.io").map((one) => `${one.namespace ?? app.metadata.namespace ?? ""}/${one.name ?? ""}`);
    known.set(app, found);
  }
  return found;
}

/** The key of its parent by that of each application that has one; the first by name where two declare it. */
export function parentsOf(rows: Iterable<Listed>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { key, app } of rows)
    for (const child of childrenOf(app)) {
      const other = found.get(child);
      if (child !== key && (other === undefined || key < other)) found.set(child, key);
    }
  return found;
}

/** Its parents, the farthest first; those that declare each other come once. */
export function lineage(key: string, parents: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (let at = parents.get(key); at !== undefined && at !== key && !found.includes(at); at = parents.get(at)) found.unshift(at);
  return found;
}
