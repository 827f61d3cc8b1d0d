import { useState } from "preact/hooks";
import { useLocation } from "wouter";
import "../style/declare.css";
import { automate, type Cascade, remove } from "../application/actions";
import { Button, Dialog, Shape } from "../parts/parts";
import type { Row } from "../replica/replica";
import { brief, count, oneLine, some } from "../words/text";
import { Kept } from "./Kept";

/** What deleting means for the objects, as a sentence. Pure. */
export function whatGoes(row: Row, cascade: Cascade): string {
  const deployed = (row.app.status?.history?.length ?? 0) > 0 || !!row.app.status?.operationState;
  const objects = (row.app.status?.resources ?? []).filter((one) => !one.hook && one.health?.status !== "Missing" && (deployed || one.status !== "OutOfSync"));
  if (cascade === "orphan") return objects.length ? `${count(objects.length, "object")} stay in the cluster as they are; nobody keeps them as Git says any more.` : "It has no object in the cluster.";
  if (!objects.length) return "It has no object in the cluster: only the Application goes.";
  const kinds = new Map<string, number>();
  for (const one of objects) kinds.set(one.kind ?? "", (kinds.get(one.kind ?? "") ?? 0) + 1);
  const named = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, number]) => (number > 1 ? `${brief(kind, 40)} (${number})` : brief(kind, 40)));
  return `${count(objects.length, "object")} are deleted from ${brief(row.cluster, 40)}, with all that they have made: ${some(named, 5)}.`;
}

const CHOICES: [Cascade, string][] = [
  ["foreground", "Delete its objects, then the Application"],
  ["background", "Delete the Application, and its objects in the background"],
  ["orphan", "Delete the Application alone, and leave its objects"],
];

export function DeleteDialog({ row, parent, onClose }: { row: Row; parent: string; onClose: () => void }) {
  const [cascade, choose] = useState<Cascade>("foreground");
  const [typed, type] = useState("");
  const [busy, work] = useState(false);
  const [refused, refuse] = useState("");
  const [, go] = useLocation();
  const run = async () => {
    work(true);
    refuse("");
    try {
      await remove(row, cascade);
      go("/applications");
    } catch (error) {
      refuse((error as Error).message);
      work(false);
    }
  };
  return (
    <Dialog title={`Delete ${brief(row.name, 60)}`} onClose={onClose}>
      {parent && <p class="dim">It comes from Git, by {brief(parent.slice(parent.indexOf("/") + 1), 60)}: a sync of that one makes it anew.</p>}
      <fieldset>
        <legend class="unseen">What becomes of its objects</legend>
        {CHOICES.map(([id, label]) => (
          <label key={id} class="check">
            <input type="radio" name="cascade" checked={cascade === id} onChange={() => choose(id)} /> {label}
          </label>
        ))}
      </fieldset>
      <p role="status">
        <Shape look={cascade === "orphan" ? "warn" : "bad"} /> {whatGoes(row, cascade)} Git stays as it is.
      </p>
      <div class="field">
        <label for="delete-name">
          Type <code>{brief(row.name, 80)}</code> to delete it
        </label>
        <input id="delete-name" value={typed} autocomplete="off" spellcheck={false} onInput={(event) => type(event.currentTarget.value)} />
      </div>
      {refused && (
        <p class="bad" role="alert">
          {oneLine(refused)}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Keep it</Button>
        <Button primary disabled={busy || typed !== row.name} onClick={() => void run()}>
          {busy ? "Deleting…" : "Delete"}
        </Button>
      </footer>
    </Dialog>
  );
}

/** Automation off and on again: what an application does by itself. */
export function AutomationDialog({ row, on, parent, onClose }: { row: Row; on: boolean; parent: string; onClose: () => void }) {
  const [busy, work] = useState(false);
  const [refused, refuse] = useState("");
  const already = row.automated === on;
  const run = async () => {
    work(true);
    refuse("");
    try {
      await automate(row, on);
      onClose();
    } catch (error) {
      refuse((error as Error).message);
      work(false);
    }
  };
  const { prune, selfHeal } = row.app.spec?.syncPolicy?.automated ?? {};
  return (
    <Dialog title={on ? `Turn automation of ${brief(row.name, 60)} on` : `Pause ${brief(row.name, 60)}`} onClose={onClose}>
      <p>
        {on
          ? `It is synced by itself again${row.drift ? `, at once: ${count(row.drift, "object differs", "objects differ")} from Git` : " whenever Git changes"}. What leaves Git ${prune ? "is deleted" : "stays"}; what is changed by hand ${selfHeal ? "is put back" : "stays"}.`
          : "Nothing is applied by itself any more, and what is changed by hand stays, until somebody turns it on again. It is still compared, and can be synced by hand. What runs now runs to its end."}
      </p>
      <Kept parent={parent} />
      {refused && (
        <p class="bad" role="alert">
          {oneLine(refused)}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button primary why={already ? (on ? "It is on already" : "It is paused already") : ""} disabled={busy} onClick={() => void run()}>
          {on ? "Turn it on" : "Pause"}
        </Button>
      </footer>
    </Dialog>
  );
}
