import { useState } from "preact/hooks";
import { type ManagedObject, readRef, refOf } from "../model/tree";
import { Button, Dialog, Waiting } from "../parts/parts";
import { Refused, useAsked } from "../pages/listing";
import type { Row } from "../replica/replica";
import { brief, count, oneLine, shortRevision } from "../words/text";
import { sync } from "./actions";
import { type Phase, planOf, tallyOf, type Verb } from "./plan";

const VERBS: Record<Verb, string> = { create: "create", change: "change", delete: "delete", keep: "keep", run: "run", apply: "apply" };
const SHOWN = 40;

/** What a plan does, as one sentence. */
export function planInWords(phases: Phase[]): string {
  const found = tallyOf(phases);
  const told = [
    found.create ? `create ${count(found.create, "object")}` : "",
    found.change ? `change ${count(found.change, "object")}` : "",
    found.delete ? `delete ${count(found.delete, "object")}` : "",
    found.run ? `run ${count(found.run, "hook")}` : "",
  ].filter(Boolean);
  if (!told.length) return "Nothing differs: the objects are applied again as they are.";
  const last = told.pop() as string;
  return `It will ${told.length ? `${told.join(", ")} and ${last}` : last}.`;
}

/** The plan first, then the sync. */
export function SyncDialog({ row, only, onClose }: { row: Row; only: string; onClose: () => void }) {
  const [prune, setPrune] = useState(row.app.spec?.syncPolicy?.automated?.prune ?? false);
  const [dryRun, setDryRun] = useState(false);
  const [busy, work] = useState(false);
  const [refused, refuse] = useState("");
  const asked = useAsked<{ items?: ManagedObject[] | null }>(`/v1/applications/${encodeURIComponent(row.name)}/managed-resources`, { appNamespace: row.namespace });
  const selected = new Set(only ? only.split(",") : []);
  const phases = planOf(asked.value?.items ?? [], prune, selected);
  const deletes = phases.some((phase) => phase.steps.some((step) => step.verb === "delete"));

  const run = async () => {
    work(true);
    refuse("");
    try {
      await sync(row, { prune, dryRun, resources: [...selected].map(readRef) });
      onClose();
    } catch (error) {
      refuse((error as Error).message);
      work(false);
    }
  };

  return (
    <Dialog wide title={`Sync ${brief(row.name, 60)} to ${shortRevision(row.revision) || "Git"}`} onClose={onClose}>
      {asked.error && !asked.value ? (
        <Refused what="what differs" error={asked.error} again={asked.again} />
      ) : !asked.value ? (
        <Waiting what="the plan" lines={3} />
      ) : (
        <>
          <p>
            {planInWords(phases)}
            {selected.size ? ` Only ${count(selected.size, "selected object")}: hooks do not run.` : ""}
          </p>
          <ol class="plan">
            {phases.map((phase) => {
              const steps = phase.steps.filter((step) => step.verb !== "apply");
              const same = phase.steps.length - steps.length;
              return (
                <li key={phase.title}>
                  <h3>{phase.title}</h3>
                  <ul>
                    {steps.slice(0, SHOWN).map((step) => (
                      <li key={refOf(step.object)}>
                        <span class={`verb ${step.verb}`}>{VERBS[step.verb]}</span> {brief(step.object.kind ?? "", 40)} <bdi>{brief(step.object.namespace ? `${step.object.namespace}/${step.object.name}` : (step.object.name ?? ""), 100)}</bdi>
                      </li>
                    ))}
                    {steps.length > SHOWN && <li class="dim">and {steps.length - SHOWN} more</li>}
                    {same > 0 && <li class="dim">{count(same, "object")} as Git declares already</li>}
                  </ul>
                </li>
              );
            })}
          </ol>
          <label class="check">
            <input type="checkbox" checked={prune} onChange={(event) => setPrune(event.currentTarget.checked)} /> Delete what left Git (prune)
          </label>
          <label class="check">
            <input type="checkbox" checked={dryRun} onChange={(event) => setDryRun(event.currentTarget.checked)} /> Only try it: the cluster checks everything and changes nothing (dry run)
          </label>
        </>
      )}
      {refused && (
        <p class="bad" role="alert">
          {oneLine(refused)}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button primary disabled={busy || !asked.value} onClick={() => void run()}>
          {busy ? "Asking…" : dryRun ? "Try it" : deletes ? "Sync and delete" : "Sync"}
        </Button>
      </footer>
    </Dialog>
  );
}
