/** One word for an application, and how soon a person should look at it. */

import { type Application, type OperationState, revisionOf } from "../model/application";
import { deployedOf, isDryRun } from "../model/deployed";

/** Shape and colour: diamond bad, square warn, ring hold, dot run, ok and none. */
export type Look = "bad" | "warn" | "hold" | "run" | "ok" | "none";

/** Most urgent first. */
export const WORDS = [
  "Failed",
  "Terminating",
  "Degraded",
  "Unknown",
  "Missing",
  "OutOfSync",
  "Suspended",
  "Progressing",
  "Healthy",
] as const;

export type Word = (typeof WORDS)[number];

export interface State {
  word: Word;
  look: Look;
  /** Place in `WORDS`. */
  urgency: number;
  /** Since when, where the application says so. */
  since?: string;
}

const LOOKS: Record<Word, Look> = {
  Failed: "bad",
  Terminating: "run",
  Degraded: "bad",
  Unknown: "bad",
  Missing: "warn",
  OutOfSync: "warn",
  Suspended: "hold",
  Progressing: "run",
  Healthy: "ok",
};

export const lookOf = (word: Word): Look => LOOKS[word];

export const isRunning = (operation: OperationState | undefined): boolean =>
  operation?.phase === "Running" || operation?.phase === "Terminating";

/** Whether the last operation failed and nothing has made up for it since: another commit, or objects as Git declares them. */
export function stillFailed(app: Application): boolean {
  const operation = app.status?.operationState;
  if ((operation?.phase !== "Failed" && operation?.phase !== "Error") || isDryRun(operation)) return false;
  const tried = operation.syncResult?.revision || operation.operation?.sync?.revision || "";
  return app.status?.sync?.status !== "Synced" || !tried || tried === revisionOf(app);
}

const isError = (type: string | undefined): boolean => !!type && type.endsWith("Error");

export const errorsOf = (app: Application) => (app.status?.conditions ?? []).filter((one) => isError(one.type));

export function stateOf(app: Application): State {
  const { word, since } = tell(app);
  return { word, look: LOOKS[word], urgency: WORDS.indexOf(word), ...(since ? { since } : {}) };
}

function tell(app: Application): { word: Word; since?: string | undefined } {
  const { sync, health, operationState } = app.status ?? {};
  const since = health?.lastTransitionTime;
  if (app.metadata.deletionTimestamp) return { word: "Terminating", since: app.metadata.deletionTimestamp };
  const running = isRunning(operationState);
  if (!running && stillFailed(app)) return { word: "Failed", since: operationState?.finishedAt };
  if (health?.status === "Degraded") return { word: "Degraded", since };
  const error = errorsOf(app)[0];
  if (error) return { word: "Unknown", since: error.lastTransitionTime };
  if (running) return { word: "Progressing", since: operationState?.startedAt };
  if (health?.status === "Missing") return { word: "Missing", since };
  if (sync?.status === "OutOfSync") return { word: "OutOfSync", since: isDryRun(operationState) ? deployedOf(app)?.deployedAt : operationState?.finishedAt };
  if (health?.status === "Suspended") return { word: "Suspended", since };
  if (health?.status === "Progressing") return { word: "Progressing", since };
  if (sync?.status === "Synced" && health?.status === "Healthy") return { word: "Healthy", since };
  // Not looked at yet: it is on its way, and says so.
  if (!sync?.status && !health?.status) return { word: "Progressing", since: app.metadata.creationTimestamp };
  return { word: "Unknown", since };
}

/** Order of a list: urgency, then name, then namespace. Total: no two applications are of one place. */
export function byUrgency(
  a: { state: State; name: string; namespace: string },
  b: { state: State; name: string; namespace: string },
): number {
  return a.state.urgency - b.state.urgency || compare(a.name, b.name) || compare(a.namespace, b.namespace);
}

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The look of one object of an application. */
export function lookOfObject(health: string | undefined, sync: string | undefined): Look {
  if (health === "Degraded") return "bad";
  if (health === "Missing" || sync === "OutOfSync") return "warn";
  if (health === "Suspended") return "hold";
  if (health === "Progressing") return "run";
  if (health === "Healthy" || sync === "Synced") return "ok";
  return "none";
}
