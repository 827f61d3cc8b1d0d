/** One cause, once: what several applications suffer from is one line. */

import { type Application, clusterOf, sourcesOf } from "../model/application";
import { imageNotPulled, reasonOf } from "./reason";
import { compare, errorsOf, type State } from "./state";

export interface Cause {
  /** The same for all who suffer from it. */
  id: string;
  title: string;
  /** Image, repository, cluster, or the message itself. */
  what: string;
  apps: string[];
  /** The earliest. */
  since?: string;
}

const UNREACHABLE = /unreachable|connection refused|no such host|timed? ?out|cannot be read|could not be read|authentication/i;

/** What is behind the state of one application; nothing where nobody has to do anything. */
export function causeOf(app: Application, state: State): { id: string; title: string; what: string } | undefined {
  if (state.look !== "bad") return undefined;
  for (const one of app.status?.resources ?? []) {
    const image = imageNotPulled(one.health?.message ?? "");
    if (image) return { id: `image ${image}`, title: "Image cannot be pulled", what: image };
  }
  const error = errorsOf(app)[0]?.message ?? "";
  if (UNREACHABLE.test(error.slice(0, 2_000))) {
    const server = app.spec?.destination?.server;
    if (server && error.includes(server)) return { id: `cluster ${clusterOf(app)}`, title: "Cluster unreachable", what: clusterOf(app) };
    const repository = sourcesOf(app).find((one) => one.repoURL && error.includes(one.repoURL))?.repoURL;
    if (repository) return { id: `repository ${repository}`, title: "Repository unreachable", what: repository };
  }
  const { sentence } = reasonOf(app, state);
  const title = state.word === "Unknown" ? "Cannot be compared" : state.word;
  return { id: `${state.word} ${sentence}`, title, what: sentence };
}

/** Causes, those of most applications first. */
export function causesOf(rows: Iterable<{ key: string; app: Application; state: State }>): Cause[] {
  const found = new Map<string, Cause>();
  for (const { key, app, state } of rows) {
    const cause = causeOf(app, state);
    if (!cause) continue;
    const known = found.get(cause.id) ?? { ...cause, apps: [] };
    known.apps.push(key);
    if (state.since && (!known.since || state.since < known.since)) known.since = state.since;
    found.set(cause.id, known);
  }
  return [...found.values()].sort((a, b) => b.apps.length - a.apps.length || compare(a.id, b.id));
}
