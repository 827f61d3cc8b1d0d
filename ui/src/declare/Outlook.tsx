import { useEffect, useState } from "preact/hooks";
import { type Application, type Source, sourcesOf } from "../model/application";
import { api, ApiError } from "../net/client";
import { Shape } from "../parts/parts";
import { brief, count, oneLine } from "../words/text";
import type { Problem } from "./draft";
import { outlook } from "./permits";

/** After the last letter, in milliseconds. */
const SOON = 500;

type Look = { is: "asking" } | { is: "read"; words: string } | { is: "refused"; why: string } | { is: "unbuilt" };

export interface Details {
  type?: string;
  helm?: { valueFiles?: string[] | null; parameters?: { name?: string; value?: string }[] | null };
  kustomize?: { images?: string[] | null };
}

/** What the server reads of a source, in words. */
export function detailsInWords({ type = "", helm, kustomize }: Details): string {
  const parts = [type === "Directory" ? "a folder of manifests" : type === "Helm" ? "a Helm chart" : type === "Kustomize" ? "a kustomization" : type || "something"];
  if (helm?.parameters?.length) parts.push(count(helm.parameters.length, "parameter"));
  if (helm?.valueFiles?.length) parts.push(count(helm.valueFiles.length, "file of values", "files of values"));
  if (kustomize?.images?.length) parts.push(count(kustomize.images.length, "image"));
  return parts.join(" with ").replace(/ with (.*) with /, " with $1 and ");
}

/** Ask the server to read the sources as they are written, a moment after the last letter; it changes nothing. */
function useLooks(app: Application | undefined, ready: boolean): Look[] {
  const sources: Source[] = app && ready ? sourcesOf(app).filter((one) => one.repoURL && !one.ref) : [];
  const [looks, tell] = useState<Look[]>([]);
  const key = JSON.stringify([sources, app?.spec?.project, app?.metadata.name]);
  useEffect(() => {
    const stopped = new AbortController();
    tell(sources.map(() => ({ is: "asking" })));
    const timer = setTimeout(() => {
      sources.forEach((source, at) => {
        const told = (look: Look) => !stopped.signal.aborted && tell((before) => before.map((one, index) => (index === at ? look : one)));
        const body = { source, appName: app?.metadata.name ?? "", appProject: app?.spec?.project || "default" };
        api<Details>(`/v1/repositories/${encodeURIComponent(source.repoURL ?? "")}/appdetails`, { method: "POST", body, signal: stopped.signal }).then(
          (details) => told({ is: "read", words: detailsInWords(details) }),
          (error: unknown) => told(error instanceof ApiError && error.unbuilt ? { is: "unbuilt" } : { is: "refused", why: (error as Error).message }),
        );
      });
    }, SOON);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [key]);
  return looks;
}

/** What is wrong, or what will happen: before anything is done. */
export function Outlook({ app, problems }: { app: Application | undefined; problems: Problem[] }) {
  const looks = useLooks(app, !problems.some((one) => one.field.startsWith("spec.source")));
  if (problems.length || !app)
    return (
      <section class="outlook" aria-label="What is in the way" aria-live="polite">
        <h2>{problems.length === 1 ? "One thing is in the way" : `${problems.length} things are in the way`}</h2>
        <ul>
          {problems.map((one) => (
            <li key={`${one.field} ${one.words}`}>
              <Shape look="warn" /> {one.field && <code>{brief(one.field, 80)}</code>} {oneLine(one.words)}
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    <section class="outlook" aria-label="What will happen" aria-live="polite">
      <h2>What will happen</h2>
      <ul>
        {outlook(app).map((sentence) => (
          <li key={sentence}>
            <Shape look="none" /> {oneLine(sentence)}
          </li>
        ))}
        {looks.map((look, at) => (
          <li key={at}>
            {look.is === "asking" ? (
              <>
                <Shape look="run" /> <span class="dim">The server reads it…</span>
              </>
            ) : look.is === "read" ? (
              <>
                <Shape look="ok" /> The server has read it: {look.words}.
              </>
            ) : look.is === "unbuilt" ? (
              <>
                <Shape look="none" /> <span class="dim">This server does not read a source before the application is there: what is wrong with it shows after that.</span>
              </>
            ) : (
              <>
                <Shape look="bad" /> The server cannot read it: {oneLine(look.why)}
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
