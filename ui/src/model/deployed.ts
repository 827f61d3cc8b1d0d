/** What was deployed, by the history: not what Git has by now, which in a repository of many applications moves with every commit. Pure. */

import { type Application, type HistoryEntry, type Initiator, isAutomated, type OperationState, revisionOf } from "./application";

/** The revision of an entry, its first where there are several sources. */
export const revisionOfEntry = (entry: HistoryEntry | undefined): string => entry?.revision || entry?.revisions?.find(Boolean) || "";

/** All revisions of an entry, as one text that is compared. */
const versionOf = (entry: HistoryEntry): string => entry.revision || (entry.revisions ?? []).join(" ");

/** What was deployed last. */
export const deployedOf = (app: Application): HistoryEntry | undefined => app.status?.history?.at(-1);

/** A dry run checks and changes nothing: it is no sync. */
export const isDryRun = (operation: OperationState | undefined): boolean => operation?.operation?.sync?.dryRun === true;

export interface RolledBack {
  /** What it was gone back to. */
  to: string;
  by: Initiator | undefined;
}

/** Whether somebody has gone back to an earlier version than Git has, and nothing was deployed since. */
export function rolledBackOf(app: Application): RolledBack | undefined {
  const history = app.status?.history ?? [];
  const [last, before] = [history.at(-1), history.at(-2)];
  if (!last || !before || isAutomated(app) || last.initiatedBy?.automated) return undefined;
  const version = versionOf(last);
  if (!version || version === versionOf(before) || version === wantedOf(app)) return undefined;
  // It was deployed once before, which a commit that is new was not.
  if (!history.slice(0, -2).some((entry) => versionOf(entry) === version)) return undefined;
  const operation = app.status?.operationState;
  if (operation && !isDryRun(operation)) {
    const sync = operation.operation?.sync;
    if ((sync?.revision || (sync?.revisions ?? []).join(" ")) !== version) return undefined;
  }
  return { to: revisionOfEntry(last), by: last.initiatedBy };
}

const wantedOf = (app: Application): string => app.status?.sync?.revisions?.join(" ") || revisionOf(app);

/** What was deployed before that which is deployed now, of another revision; after a rollback, before the version that it went back to. */
export function previousOf(app: Application): HistoryEntry | undefined {
  const history = app.status?.history ?? [];
  const last = history.at(-1);
  if (!last) return undefined;
  const version = versionOf(last);
  const until = rolledBackOf(app) ? history.findIndex((entry) => versionOf(entry) === version) : history.length - 1;
  return history.slice(0, until).findLast((entry) => versionOf(entry) !== "" && versionOf(entry) !== version);
}

export interface Partial {
  revision: string;
  objects: number;
}

/** A sync of some objects alone, after the last deployment of all: the history does not have it, what runs does. */
export function partialOf(app: Application): Partial | undefined {
  const operation = app.status?.operationState;
  const objects = operation?.operation?.sync?.resources?.length ?? 0;
  if (!objects || operation?.phase !== "Succeeded" || isDryRun(operation)) return undefined;
  const revision = operation.syncResult?.revision || operation.syncResult?.revisions?.find(Boolean) || "";
  const last = deployedOf(app);
  const later = !last?.deployedAt || Date.parse(operation.finishedAt ?? "") > Date.parse(last.deployedAt);
  return later && revision && revision !== revisionOfEntry(last) ? { revision, objects } : undefined;
}
