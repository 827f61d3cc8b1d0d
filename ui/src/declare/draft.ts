/** What somebody writes of an application before it is one: the text is what counts, and a form changes it in place, with its comments. Pure. */

import { parseDocument } from "yaml";
import type { Application } from "../model/application";

/** The most that is read: an Application is a few kilobytes. */
const LONGEST = 512 * 1024;

export interface Problem {
  /** The field that it is about, as Kubernetes writes it; empty for the text as a whole. */
  field: string;
  /** What is wrong, and what would mend it. */
  words: string;
}

export interface Draft {
  app: Application | undefined;
  problems: Problem[];
}

export type Path = readonly (string | number)[];

const EMPTY: Draft = { app: undefined, problems: [{ field: "", words: "Nothing is written yet." }] };

/** Read a text. What cannot be read is a problem, never an error. */
export function draftOf(text: string): Draft {
  if (text.length > LONGEST) return { app: undefined, problems: [{ field: "", words: `It has ${text.length} letters, ${LONGEST} is the most.` }] };
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  const [error] = document.errors;
  if (error) return { app: undefined, problems: [{ field: "", words: (error.message.split("\n", 1)[0] ?? "").slice(0, 300) }] };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 50 });
  } catch (fault) {
    return { app: undefined, problems: [{ field: "", words: (fault as Error).message.slice(0, 300) }] };
  }
  if (value === null || value === undefined) return EMPTY;
  if (typeof value !== "object" || Array.isArray(value)) return { app: undefined, problems: [{ field: "", words: "An Application is a map: metadata and spec." }] };
  const { metadata, spec } = value as { metadata?: unknown; spec?: unknown };
  if (!isMap(metadata) || !isMap(spec)) return { app: undefined, problems: [{ field: isMap(metadata) ? "spec" : "metadata", words: "It has to be there, and to be a map." }] };
  const fault = misshapen(spec as object);
  if (fault) return { app: undefined, problems: [fault] };
  return { app: value as Application, problems: [] };
}

/** The same text with one value changed; undefined takes it out, with what it leaves empty. A text that cannot be read stays. */
export function changed(text: string, path: Path, value: unknown): string {
  const document = parseDocument(text);
  if (document.errors.length) return text;
  if (value === undefined || value === "") {
    document.deleteIn(path);
    for (let end = path.length - 1; end > 1; end--) {
      const above = document.getIn(path.slice(0, end)) as { items?: unknown[] } | undefined;
      if (above?.items?.length !== 0) break;
      document.deleteIn(path.slice(0, end));
    }
  } else {
    // What was `null`, or a word, becomes the map that the value needs.
    for (let end = 1; end < path.length; end++) {
      const above = document.getIn(path.slice(0, end));
      if (above !== undefined && (above === null || typeof above !== "object")) document.deleteIn(path.slice(0, end));
    }
    document.setIn(path, document.createNode(value));
  }
  return document.toString({ lineWidth: 0 });
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** What the form reads has to be of its type, or the form would show what is not there. */
function misshapen(spec: object): Problem | undefined {
  const { source, sources, destination, syncPolicy, project } = spec as Record<string, unknown>;
  for (const [field, value] of Object.entries({ source, destination, syncPolicy }))
    if (value !== undefined && value !== null && !isMap(value)) return { field: `spec.${field}`, words: "It has to be a map." };
  if (sources !== undefined && sources !== null && !(Array.isArray(sources) && sources.every(isMap))) return { field: "spec.sources", words: "It has to be a list of maps." };
  if (project !== undefined && typeof project !== "string") return { field: "spec.project", words: "It has to be a name: put it in quotes." };
  const automated = (syncPolicy as { automated?: unknown } | null | undefined)?.automated;
  if (automated !== undefined && automated !== null && !isMap(automated)) return { field: "spec.syncPolicy.automated", words: "It has to be a map." };
  for (const [at, one] of [source, ...(Array.isArray(sources) ? sources : [])].entries())
    for (const [key, value] of Object.entries((one as Record<string, unknown> | null | undefined) ?? {}))
      if (["repoURL", "path", "chart", "targetRevision", "ref"].includes(key) && typeof value !== "string")
        return { field: at ? `spec.sources[${at - 1}].${key}` : `spec.source.${key}`, words: `It has to be text: put it in quotes, "${String(value).slice(0, 40)}".` };
  for (const [key, value] of Object.entries((destination as Record<string, unknown> | null | undefined) ?? {}))
    if (typeof value !== "string") return { field: `spec.destination.${key}`, words: "It has to be text: put it in quotes." };
  return undefined;
}

/** What a new one begins with. */
export const FIRST = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ""
spec:
  project: default
  source:
    repoURL: ""
    path: .
    targetRevision: HEAD
  destination:
    server: https://kubernetes.default.svc
    namespace: ""
  syncPolicy:
    syncOptions:
      - CreateNamespace=true
`;
