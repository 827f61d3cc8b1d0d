/** What can be said of a draft without asking anybody: whether it is whole, and whether its project permits it. The server has the last word. Pure. */

import { like } from "../filter/grammar";
import type { Application, Source } from "../model/application";
import type { Project } from "../model/project";
import { count } from "../words/text";
import type { Problem } from "./draft";

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What is wrong with it by itself. */
export function problemsOf(app: Application): Problem[] {
  const found: Problem[] = [];
  const say = (field: string, words: string) => found.push({ field, words });
  const { name } = app.metadata;
  if (!name) say("metadata.name", "It needs a name.");
  else if (typeof name !== "string" || !NAME.test(name)) say("metadata.name", "Small letters, digits, - and . alone, with a letter or digit at both ends.");
  const { source, sources = [], destination = {} } = app.spec ?? {};
  if (source && sources?.length) say("spec.sources", "There is a source and a list of sources: the list counts. Take out one of them.");
  if (!source && !sources?.length) say("spec.source", "It has to say where its manifests are: repoURL, and path or chart.");
  (sources?.length ? sources : source ? [source] : []).forEach((one, at) => sourceProblems(one, sources?.length ? `spec.sources[${at}]` : "spec.source", say));
  const { server, name: cluster, namespace } = destination ?? {};
  if (!server && !cluster) say("spec.destination", "It needs a cluster: its server, or its name.");
  if (server && cluster) say("spec.destination", "It has a server and a name: take out one of them.");
  if (namespace && !NAMESPACE.test(namespace)) say("spec.destination.namespace", "Small letters, digits and - alone, 63 at most.");
  return found;
}

function sourceProblems(one: Source, field: string, say: (field: string, words: string) => void): void {
  if (!one.repoURL) return say(`${field}.repoURL`, "It needs the address of a repository.");
  if (one.chart && one.path) say(`${field}.path`, "A chart has no path: take out one of them.");
  if (one.chart && !one.targetRevision) say(`${field}.targetRevision`, "A chart needs a version, or a range of them: 1.*");
  if (!one.chart && !one.path && !one.ref) say(`${field}.path`, "It needs a path in the repository; . is its root.");
}

/** Whether a list of patterns permits a text: one of them does, and none that begins with ! forbids it. */
export function permits(patterns: readonly string[], text: string): boolean {
  if (patterns.some((one) => one.startsWith("!") && like(text, one.slice(1)))) return false;
  return patterns.some((one) => !one.startsWith("!") && like(text, one));
}

/** What its project does not permit. */
export function forbidden(app: Application, project: Project): Problem[] {
  const found: Problem[] = [];
  const { sourceRepos = [], destinations = [] } = project.spec ?? {};
  const { name } = project.metadata;
  const { source, sources, destination = {} } = app.spec ?? {};
  (sources?.length ? sources : source ? [source] : []).forEach((one, at) => {
    if (one.repoURL && !permits(sourceRepos, one.repoURL))
      found.push({ field: sources?.length ? `spec.sources[${at}].repoURL` : "spec.source.repoURL", words: `Project ${name} does not permit this repository. ${sourceRepos.length ? `It permits ${count(sourceRepos.length, "pattern")}: ${sourceRepos.slice(0, 3).join(", ")}` : "It permits none."}` });
  });
  const { server = "", name: cluster = "", namespace = "" } = destination ?? {};
  const fits = (one: { server?: string; name?: string; namespace?: string }) =>
    ((server && one.server && like(server, one.server)) || (cluster && one.name && like(cluster, one.name)) || one.server === "*" || one.name === "*") && (!namespace || like(namespace, one.namespace ?? ""));
  if ((server || cluster) && !destinations.some(fits)) found.push({ field: "spec.destination", words: `Project ${name} does not permit namespace ${namespace || "(none)"} of ${cluster || server}. Its destinations are on the page of the project.` });
  return found;
}

/** What will happen once it is there, as sentences. */
export function outlook(app: Application): string[] {
  const { source, sources, destination = {}, syncPolicy } = app.spec ?? {};
  const all = sources?.length ? sources : source ? [source] : [];
  const told = all.filter((one) => one.repoURL).map((one) => (one.chart ? `Reads chart ${one.chart}, version ${one.targetRevision ?? ""}, from ${one.repoURL}.` : `Reads ${one.path && one.path !== "." ? one.path : "the root"} of ${one.repoURL} at ${one.targetRevision || "HEAD"}.`));
  const place = destination?.name || destination?.server || "";
  if (place) told.push(`Deploys into ${destination?.namespace ? `namespace ${destination.namespace}` : "the namespaces that its objects name"} of ${place}${(syncPolicy?.syncOptions ?? []).includes("CreateNamespace=true") && destination?.namespace ? ", and creates it where it is not there" : ""}.`);
  const automated = syncPolicy?.automated;
  if (!automated || automated.enabled === false) told.push("Nothing is applied before somebody syncs it.");
  else told.push(`It is synced by itself as soon as it is there${automated.prune ? ", what leaves Git is deleted" : ", what leaves Git stays"}${automated.selfHeal ? ", and what is changed by hand is put back" : ""}.`);
  return told;
}
