import { useState } from "preact/hooks";
import { fleet } from "../replica/fleet";
import type { Row } from "../replica/replica";
import { automate, refresh, sync } from "../application/actions";
import { Button, Dialog, Shape } from "../parts/parts";
import { brief, count, some } from "../words/text";

/** What can be done with many. */
export type What = "sync" | "refresh" | "pause" | "resume";

const VERBS: Record<What, { verb: string; done: string }> = {
  sync: { verb: "Sync", done: "started" },
  refresh: { verb: "Refresh", done: "compared again" },
  pause: { verb: "Pause", done: "paused" },
  resume: { verb: "Resume", done: "synced by themselves again" },
};

/** What a word of the address means. */
export const bulkOf = (word: string | null): What => (word && word in VERBS ? (word as What) : "sync");

export function BulkBar({ keys, onClear, onDo }: { keys: ReadonlySet<string>; onClear: () => void; onDo: (what: What) => void }) {
  return (
    <div class="bulk" role="toolbar" aria-label="What is done with the selected applications">
      <b>{count(keys.size, "application")} selected</b>
      <Button onClick={() => onDo("refresh")}>Refresh…</Button>
      <Button onClick={() => onDo("pause")}>Pause…</Button>
      <Button onClick={() => onDo("resume")}>Resume…</Button>
      <Button primary onClick={() => onDo("sync")}>
        Sync…
      </Button>
      <button type="button" class="link" onClick={onClear}>
        Clear
      </button>
    </div>
  );
}

/** What a sync of these does, as sentences. */
export function forecast(rows: Row[], prune: boolean): string[] {
  const differing = rows.filter((row) => row.drift);
  const objects = rows.reduce((sum, row) => sum + row.drift, 0);
  const gone = rows.flatMap((row) => (row.app.status?.resources ?? []).filter((one) => one.requiresPruning));
  const running = rows.filter((row) => row.app.status?.operationState?.phase === "Running");
  const told = [
    objects
      ? `${count(objects - gone.length, "object")} of ${count(differing.length, "application")} will be made as Git declares.`
      : "Nothing differs from Git: objects are applied again, and hooks run.",
  ];
  if (gone.length)
    told.push(
      prune
        ? `${count(gone.length, "object")} that left Git will be deleted: ${some(gone.map((one) => `${one.kind} ${brief(one.name ?? "", 40)}`), 3)}.`
        : `${count(gone.length, "object")} that left Git will stay: pruning is off.`,
    );
  if (running.length) told.push(`${some(running.map((row) => row.name))} already ${running.length === 1 ? "syncs" : "sync"} and will refuse.`);
  return told;
}

/** What turning automation off or on does to these, as sentences. */
export function automationForecast(rows: Row[], on: boolean): string[] {
  const changed = rows.filter((row) => row.automated !== on);
  const already = rows.length - changed.length;
  const told = [
    !changed.length
      ? on
        ? "All of them are synced by themselves already."
        : "None of them is synced by itself: nothing changes."
      : on
        ? `${count(changed.length, "application")} will be synced by themselves again: what differs from Git is applied at once.`
        : `Nothing is applied to ${count(changed.length, "application")} by itself any more, and what is changed by hand stays. They are still compared, and can be synced by hand.`,
  ];
  if (changed.length && already) told.push(`${count(already, "is", "are")} ${on ? "synced by themselves" : "paused"} already.`);
  const drifted = changed.filter((row) => row.drift);
  if (on && drifted.length) told.push(`Of ${count(drifted.length, "application")} something differs now: ${some(drifted.map((row) => brief(row.name, 40)), 3)}.`);
  return told;
}

type Outcome = { key: string; why?: string };

const AT_ONCE = 6;

export function Bulk({ what, keys, onClose }: { what: What; keys: ReadonlySet<string>; onClose: () => void }) {
  const [prune, setPrune] = useState(false);
  const [done, tell] = useState<Outcome[] | undefined>();
  const rows = [...keys].map((key) => fleet.rows.value.get(key)).filter((row): row is Row => !!row);
  const { verb, done: ended } = VERBS[what];

  const run = async () => {
    const outcomes: Outcome[] = [];
    tell([]);
    const left = [...rows];
    const work = async () => {
      for (let row = left.shift(); row; row = left.shift()) {
        const { key } = row;
        const why = await actOn(what, row, prune).then(
          () => undefined,
          (error: Error) => error.message,
        );
        outcomes.push(why === undefined ? { key } : { key, why });
        tell([...outcomes]);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };

  if (!rows.length)
    return (
      <Dialog title={verb} onClose={onClose}>
        <p>No application is selected. Select rows by their boxes, or with x.</p>
      </Dialog>
    );
  const refused = done?.filter((one) => one.why !== undefined) ?? [];
  return (
    <Dialog title={`${verb} ${count(rows.length, "application")}`} onClose={onClose}>
      {!done ? (
        <>
          {what === "sync" ? (
            forecast(rows, prune).map((sentence) => <p key={sentence}>{sentence}</p>)
          ) : what !== "refresh" ? (
            automationForecast(rows, what === "resume").map((sentence) => <p key={sentence}>{sentence}</p>)
          ) : (
            <p>Each is compared with its source again. Nothing in a cluster is changed, but automation may act on what it finds.</p>
          )}
          <ul class="names">
            {rows.slice(0, 12).map((row) => (
              <li key={row.key}>
                <Shape look={row.state.look} label={row.state.word} /> <bdi>{brief(row.key, 80)}</bdi> <span class="dim">{row.reason.sentence}</span>
              </li>
            ))}
            {rows.length > 12 && <li class="dim">and {rows.length - 12} more</li>}
          </ul>
          {what === "sync" && (
            <label class="check">
              <input type="checkbox" checked={prune} onChange={(event) => setPrune(event.currentTarget.checked)} /> Delete what left Git (prune)
            </label>
          )}
          <footer>
            <Button onClick={onClose}>Cancel</Button>
            <Button primary onClick={() => void run()}>
              {verb} {count(rows.length, "application")}
            </Button>
          </footer>
        </>
      ) : (
        <>
          <p role="status">
            {done.length} of {rows.length} {ended}
            {refused.length ? `, ${refused.length} refused` : ""}.
          </p>
          <ul class="names">
            {refused.map((one) => (
              <li key={one.key}>
                <Shape look="bad" label="refused" /> <bdi>{brief(one.key, 80)}</bdi> <span class="dim">{brief(one.why ?? "")}</span>
              </li>
            ))}
          </ul>
          <footer>
            <Button primary onClick={onClose}>
              Close
            </Button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

async function actOn(what: What, row: Row, prune: boolean): Promise<void> {
  if (what === "sync") return sync(row, { prune });
  if (what === "refresh") return refresh(row);
  // What is so already is not written again: it would be somebody's change in the audit trail.
  if (row.automated !== (what === "resume")) await automate(row, what === "resume");
}
