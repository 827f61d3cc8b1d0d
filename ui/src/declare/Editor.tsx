import { useMemo } from "preact/hooks";
import type { Application } from "../model/application";
import type { Project } from "../model/project";
import { itemsOf, useAsked } from "../pages/listing";
import { fleet } from "../replica/fleet";
import { clusterOf, sourcesOf } from "../model/application";
import { brief } from "../words/text";
import { changed, type Draft, draftOf, type Path, type Problem } from "./draft";
import { forbidden, problemsOf } from "./permits";

export interface Checked {
  draft: Draft;
  problems: Problem[];
  projects: Project[] | undefined;
}

/** A text, read and held against what can be known in the page. */
export function useChecked(text: string): Checked {
  const draft = useMemo(() => draftOf(text), [text]);
  const { value: projects } = itemsOf(useAsked<{ items?: Project[] | null }>("/v1/projects"));
  const problems = useMemo(() => {
    if (!draft.app) return draft.problems;
    const wanted = draft.app.spec?.project || "default";
    const project = projects?.find((one) => one.metadata.name === wanted);
    const unknown: Problem[] = projects && !project ? [{ field: "spec.project", words: `There is no project ${brief(wanted, 60)} that you may see.` }] : [];
    return [...problemsOf(draft.app), ...unknown, ...(project ? forbidden(draft.app, project) : [])];
  }, [draft, projects]);
  return { draft, problems, projects };
}

interface FieldProps {
  label: string;
  hint?: string;
  value: string;
  problem: string | undefined;
  options?: readonly string[];
  onChange: (value: string) => void;
}

function Field({ label, hint, value, problem, options, onChange }: FieldProps) {
  // What nobody has written yet is wanted, not wrong.
  const wrong = !!problem && !!value;
  const id = `field-${label.toLowerCase().replace(/\W+/g, "-")}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        value={value}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={wrong}
        aria-describedby={problem || hint ? `${id}-told` : undefined}
        list={options?.length ? `${id}-options` : undefined}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {(problem || hint) && (
        <small id={`${id}-told`} class={wrong ? "bad" : ""}>
          {problem || hint}
        </small>
      )}
      {options?.length ? (
        <datalist id={`${id}-options`}>
          {options.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      ) : null}
    </div>
  );
}

interface Props {
  text: string;
  checked: Checked;
  /** The name of one that is there is not changed. */
  named: boolean;
  onText: (text: string) => void;
}

const unique = (texts: Iterable<string>): string[] => [...new Set(texts)].filter(Boolean).sort().slice(0, 200);

/** The fields that most need, beside the text that has them all: what is written in one shows in the other. */
export function Editor({ text, checked, named, onText }: Props) {
  const { draft, problems, projects } = checked;
  const rows = fleet.rows.value;
  const known = useMemo(() => {
    const apps = [...rows.values()].map((row) => row.app);
    return { repositories: unique(apps.flatMap((app) => sourcesOf(app).map((one) => one.repoURL ?? ""))), clusters: unique(apps.map(clusterOf)) };
  }, [rows]);
  return (
    <div class="editor">
      {draft.app ? (
        <Form app={draft.app} problems={problems} projects={projects} named={named} known={known} set={(path, value) => onText(changed(text, path, value))} />
      ) : (
        <p class="dim">The fields come back once the text can be read.</p>
      )}
      <div class="source-text">
        <label for="draft-text">YAML</label>
        <textarea id="draft-text" spellcheck={false} autocomplete="off" wrap="off" rows={26} value={text} onInput={(event) => onText(event.currentTarget.value)} />
      </div>
    </div>
  );
}

interface FormProps {
  app: Application;
  problems: Problem[];
  projects: Project[] | undefined;
  named: boolean;
  known: { repositories: string[]; clusters: string[] };
  set: (path: Path, value: unknown) => void;
}

const IN_CLUSTER = "https://kubernetes.default.svc";

function Form({ app, problems, projects, named, known, set }: FormProps) {
  const { spec = {} } = app;
  const several = !!spec.sources?.length;
  const source = (several ? spec.sources?.[0] : spec.source) ?? {};
  const at: Path = several ? ["spec", "sources", 0] : ["spec", "source"];
  const [automated, options] = [spec.syncPolicy?.automated, spec.syncPolicy?.syncOptions ?? []];
  const auto = !!automated && automated.enabled !== false;
  const told = (...fields: string[]) => problems.find((one) => fields.includes(one.field))?.words;
  const ofSource = (key: string) => told(several ? `spec.sources[0].${key}` : `spec.source.${key}`);
  const destination = spec.destination ?? {};
  const cluster = destination.name || (destination.server === IN_CLUSTER ? "in-cluster" : (destination.server ?? ""));
  const setCluster = (value: string) => {
    const address = value === "in-cluster" ? IN_CLUSTER : value;
    const byServer = address.includes("://");
    // One change of the text: the other of the two ways to name a cluster goes with it.
    set(["spec", "destination"], { ...(destination.namespace ? { namespace: destination.namespace } : {}), ...(address ? { [byServer ? "server" : "name"]: address } : {}) });
  };
  const chart = source.chart !== undefined;
  return (
    <div class="form">
      {!named && <Field label="Name" value={app.metadata.name ?? ""} problem={told("metadata.name")} onChange={(value) => set(["metadata", "name"], value || undefined)} />}
      <Field label="Project" value={spec.project ?? ""} problem={told("spec.project")} options={(projects ?? []).map((one) => one.metadata.name)} onChange={(value) => set(["spec", "project"], value)} />
      <Field label="Repository" value={source.repoURL ?? ""} problem={ofSource("repoURL")} options={known.repositories} onChange={(value) => set([...at, "repoURL"], value)} />
      <Field
        label={chart ? "Chart" : "Path"}
        value={(chart ? source.chart : source.path) ?? ""}
        problem={ofSource("path") ?? ofSource("chart")}
        hint={chart ? "of a Helm repository" : "of a folder; . is the root"}
        onChange={(value) => set([...at, chart ? "chart" : "path"], value)}
      />
      <Field label={chart ? "Version" : "Revision"} value={source.targetRevision ?? ""} problem={ofSource("targetRevision")} hint={chart ? "1.2.3, or a range: 1.*" : "branch, tag or commit; HEAD is the default branch"} onChange={(value) => set([...at, "targetRevision"], value)} />
      <Field label="Cluster" value={cluster} problem={told("spec.destination")} options={["in-cluster", ...known.clusters.filter((one) => one !== "in-cluster")]} hint="its name, or the address of its server" onChange={setCluster} />
      <Field label="Namespace" value={destination.namespace ?? ""} problem={told("spec.destination.namespace")} onChange={(value) => set(["spec", "destination", "namespace"], value)} />
      {several && <p class="dim">It has {spec.sources?.length} sources: the first stands here, all of them in the text.</p>}
      <fieldset>
        <legend>Sync</legend>
        <Check label="Automated: whenever Git changes" on={auto} onChange={(on) => set(["spec", "syncPolicy", "automated"], on ? { prune: false, selfHeal: false } : undefined)} />
        {auto && <Check label="Delete what left Git (prune)" on={!!automated?.prune} onChange={(on) => set(["spec", "syncPolicy", "automated", "prune"], on)} />}
        {auto && <Check label="Put back what is changed by hand (self-heal)" on={!!automated?.selfHeal} onChange={(on) => set(["spec", "syncPolicy", "automated", "selfHeal"], on)} />}
        <Check
          label="Create the namespace where it is not there"
          on={options.includes("CreateNamespace=true")}
          onChange={(on) => {
            const rest = options.filter((one) => !one.startsWith("CreateNamespace="));
            const next = on ? [...rest, "CreateNamespace=true"] : rest;
            set(["spec", "syncPolicy", "syncOptions"], next.length ? next : undefined);
          }}
        />
      </fieldset>
    </div>
  );
}

function Check({ label, on, onChange }: { label: string; on: boolean; onChange: (on: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.currentTarget.checked)} /> {label}
    </label>
  );
}
