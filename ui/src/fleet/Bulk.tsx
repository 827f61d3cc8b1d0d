import { useState } from "preact/hooks";
import { fleet } from "../replica/fleet";
import type { Row } from "../replica/replica";
import { refresh, sync } from "../application/actions";
import { Button, Dialog, Shape } from "../parts/parts";
import { brief, count, some } from "../words/text";

export function BulkBar({ keys, onClear, onSync, onRefresh }: { keys: ReadonlySet<string>; onClear: () => void; onSync: () => void; onRefresh: () => void }) {
  return (
    <div class="bulk" role="toolbar" aria-label="What is done with the selected applications">
      <b>{count(keys.size, "application")} selected</b>
      <Button onClick={onRefresh}>Refresh…</Button>
      <Button primary onClick={onSync}>
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

type Outcome = { key: string; why?: string };

const AT_ONCE = 6;

export function Bulk({ what, keys, onClose }: { what: "sync" | "refresh"; keys: ReadonlySet<string>; onClose: () => void }) {
  const [prune, setPrune] = useState(false);
  const [done, tell] = useState<Outcome[] | undefined>();
  const rows = [...keys].map((key) => fleet.rows.value.get(key)).filter((row): row is Row => !!row);
  const verb = what === "sync" ? "Sync" : "Refresh";

  const run = async () => {
    const outcomes: Outcome[] = [];
    tell([]);
    const left = [...rows];
    const work = async () => {
      for (let row = left.shift(); row; row = left.shift()) {
        const { key } = row;
        const why = await (what === "sync" ? sync(row, { prune }) : refresh(row)).then(
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
            {done.length} of {rows.length} {what === "sync" ? "started" : "compared again"}
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
