import { useEffect, useMemo, useState } from "preact/hooks";
import { Link } from "wouter";
import { type Application, type HistoryEntry, isAutomated, type ResourceResult, revisionOf } from "../model/application";
import { deployedOf, isDryRun, revisionOfEntry } from "../model/deployed";
import { refOf } from "../model/tree";
import { Ago, Button, Dialog, Shape, Waiting } from "../parts/parts";
import { Refused, useAsked } from "../pages/listing";
import { commitOf } from "../replica/commits";
import type { Row } from "../replica/replica";
import { useAddress, useHere } from "../shell/address";
import { byWhom } from "../words/reason";
import { compare, type Look } from "../words/state";
import { brief, count, firstLine, oneLine, shortRevision } from "../words/text";
import { ordered as inOrder, yaml } from "../words/yaml";
import { rollback } from "./actions";
import { Compare } from "./Compare";
import { Difference } from "./Difference";
import { phaseInWords } from "./Side";

interface Event {
  metadata?: { uid?: string; name?: string; creationTimestamp?: string; resourceVersion?: string };
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  involvedObject?: { kind?: string; name?: string };
}

export interface Entry {
  id: string;
  at: string;
  look: Look;
  title: string;
  detail: string;
  history?: HistoryEntry;
  /** Place among those of one second, in which most instants are told: what ends a sync is later than what the sync did. */
  rank: 0 | 1 | 2;
  /** Place among those of one rank: numbers that grow. */
  turn: number;
}

/** A line of the audit trail's timeline, as the server words it. */
export interface TimelineLine {
  at?: string;
  text?: string;
  tone?: string;
}

const TONES: Record<string, Look> = { good: "ok", bad: "bad", changed: "warn" };

/** Everything that is known to have happened, the newest first. Pure. */
export function entriesOf(app: Application, events: Event[], timeline: readonly TimelineLine[] = []): Entry[] {
  const { history = [], operationState } = app.status ?? {};
  const entries: Entry[] = history.map((entry) => ({
    id: `history ${entry.id}`,
    at: entry.deployedAt ?? "",
    look: "ok",
    title: `Deployed ${shortRevision(revisionOfEntry(entry))}`,
    detail: `by ${byWhom(entry.initiatedBy)}`,
    history: entry,
    rank: 1,
    turn: Number(entry.id) || 0,
  }));
  if (operationState?.startedAt) {
    const ill = operationState.phase === "Failed" || operationState.phase === "Error";
    entries.push({
      id: "operation",
      at: operationState.finishedAt ?? operationState.startedAt,
      look: ill ? "bad" : operationState.phase === "Succeeded" ? "ok" : "run",
      title: `Last ${phaseInWords(operationState)} by ${byWhom(operationState.operation?.initiatedBy)}`,
      detail: oneLine(operationState.message ?? ""),
      rank: 2,
      turn: 0,
    });
  }
  timeline.forEach((line, at) => {
    entries.push({ id: `trail ${line.at} ${at}`, at: line.at ?? "", look: TONES[line.tone ?? ""] ?? "none", title: "", detail: oneLine(line.text ?? ""), rank: 0, turn: at });
  });
  for (const event of events) {
    const often = (event.count ?? 1) > 1 ? `, ${count(event.count ?? 1, "time")}` : "";
    entries.push({
      id: `event ${event.metadata?.uid ?? event.metadata?.name}`,
      at: event.lastTimestamp || event.eventTime || event.metadata?.creationTimestamp || "",
      look: event.type === "Warning" ? "warn" : "none",
      title: `${brief(event.reason ?? "Event", 60)}${often}`,
      detail: `${event.involvedObject ? `${brief(event.involvedObject.kind ?? "", 40)} ${brief(event.involvedObject.name ?? "", 60)}: ` : ""}${oneLine(event.message ?? "")}`,
      rank: 0,
      turn: Number(event.metadata?.resourceVersion) || 0,
    });
  }
  return entries.sort((a, b) => secondOf(b) - secondOf(a) || b.rank - a.rank || b.turn - a.turn || compare(a.id, b.id));
}

const secondOf = ({ at }: Entry): number => Math.floor((Date.parse(at) || 0) / 1000);

/** What an entry's id begins with, and what they are called. */
const KINDS: [id: string, title: string][] = [
  ["", "Everything"],
  ["history", "Deployments"],
  ["trail", "Audit trail"],
  ["event", "Events"],
];

export function Activity({ row }: { row: Row }) {
  const [words, change] = useAddress();
  const here = useHere();
  const turn = `${row.app.status?.operationState?.phase} ${row.app.status?.operationState?.finishedAt ?? ""} ${row.state.word}`;
  const asked = useAsked<{ items?: Event[] | null }>(`/v1/applications/${encodeURIComponent(row.name)}/events`, { appNamespace: row.namespace }, turn);
  const trail = useAsked<{ lines?: TimelineLine[] | null }>(`/v1/trueup/applications/${encodeURIComponent(row.name)}/timeline`, { appNamespace: row.namespace, limit: "200" }, turn);
  const entries = useMemo(() => entriesOf(row.app, asked.value?.items ?? [], trail.value?.lines ?? []), [row, asked.value, trail.value]);
  const only = words.get("of") ?? "";
  const shown = only ? entries.filter((entry) => entry.id.startsWith(only)) : entries;
  const kinds = KINDS.filter(([id]) => !id || entries.some((entry) => entry.id.startsWith(id)));
  const current = row.app.status?.history?.at(-1)?.id;
  const wanted = words.get("rollback");
  const target = row.app.status?.history?.find((entry) => String(entry.id) === wanted);
  return (
    <>
      <Operation row={row} />
      {kinds.length > 2 && (
        <div class="toolbar">
          <span class="segments" role="group" aria-label="What is shown">
            {kinds.map(([id, title]) => (
              <button key={id} type="button" aria-pressed={only === id} onClick={() => change({ of: id || undefined }, true)}>
                {title}
              </button>
            ))}
          </span>
        </div>
      )}
      <div class="card timeline">
        {asked.error && !asked.value ? <p class="dim pad">Events are not shown: {asked.error.message}</p> : null}
        {!entries.length && <p class="dim pad">Nothing has happened yet.</p>}
        <ol>
          {shown.map((entry) => (
            <li key={entry.id}>
              <Shape look={entry.look} />
              <span class="when">
                <Ago at={entry.at} />
              </span>
              <span class="what">
                {entry.title ? (
                  <>
                    <b>{entry.title}</b> {entry.history ? <Message row={row} entry={entry.history} /> : null}
                    <small>{entry.detail}</small>
                  </>
                ) : (
                  entry.detail
                )}
              </span>
              {entry.history && entry.history.id !== current && (
                <span class="deeds">
                  <Link class="button" href={here("compare", `${entry.history.id},${current}`)}>
                    Compare…
                  </Link>
                  <Link class="button" href={here("rollback", String(entry.history.id))}>
                    Roll back…
                  </Link>
                </span>
              )}
            </li>
          ))}
        </ol>
      </div>
      {words.has("compare") && <Compare row={row} pair={words.get("compare") ?? ""} onPair={(pair) => change({ compare: pair }, true)} onClose={() => change({ compare: undefined })} />}
      {wanted && <Rollback row={row} entry={target} onClose={() => change({ rollback: undefined })} />}
    </>
  );
}

function Message({ row, entry }: { row: Row; entry: HistoryEntry }) {
  const commit = commitOf(row, revisionOfEntry(entry)).value;
  return commit?.message ? <>{firstLine(commit.message)}</> : null;
}

/** The last operation, object by object, what failed first. */
function Operation({ row }: { row: Row }) {
  const operation = row.app.status?.operationState;
  const results = operation?.syncResult?.resources ?? [];
  if (!operation || !results.length) return null;
  const ill = (one: (typeof results)[number]) => one.status === "SyncFailed" || one.hookPhase === "Failed" || one.hookPhase === "Error";
  const runs = (one: ResourceResult) => one.hookPhase === "Running" && (!!one.hookType || operation.phase === "Running");
  const ordered = [...results].sort((a, b) => Number(ill(b)) - Number(ill(a)));
  return (
    <details class="card operation" open={ordered.some(ill) || operation.phase === "Running"}>
      <summary>
        <b>{isDryRun(operation) ? "The last dry run" : operation.phase === "Running" ? "The sync that runs" : "The last sync"}</b>, object by object: {oneLine(operation.message ?? "", 160)}
      </summary>
      <ul>
        {ordered.slice(0, 200).map((one) => (
          <li key={`${refOf(one)} ${one.syncPhase}`}>
            <Shape look={ill(one) ? "bad" : runs(one) ? "run" : "ok"} label={ill(one) ? "failed" : runs(one) ? "under way" : "done"} />
            <b>
              {brief(one.kind ?? "", 40)} <bdi>{brief(one.name ?? "", 80)}</bdi>
            </b>
            <span class="dim">
              {[one.syncPhase && one.syncPhase !== "Sync" ? one.syncPhase : "", outcomeOf(one), oneLine(one.message ?? "", 200)].filter(Boolean).join(" · ")}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What became of an object: a hook has a phase of its own, of another one it is that of the whole wave. */
export const outcomeOf = (one: ResourceResult): string => (one.hookType ? one.hookPhase || one.status : one.status || one.hookPhase) ?? "";

export interface Manifests {
  manifests?: string[] | null;
}

/** Manifests of an answer by object, as text that can be compared. */
export function manifestsAsText(answer: Manifests | undefined): string {
  const found = (answer?.manifests ?? []).map((one) => {
    try {
      const object = JSON.parse(one) as { kind?: string; metadata?: { name?: string; namespace?: string } };
      return { key: `${object.kind} ${object.metadata?.namespace ?? ""} ${object.metadata?.name ?? ""}`, text: yaml(inOrder(object)) };
    } catch {
      return { key: "", text: one };
    }
  });
  return found.sort((a, b) => compare(a.key, b.key)).map((one) => one.text).join("\n---\n");
}

/** Why it cannot be gone back; empty where it can. What runs may be otherwise than any history says: that alone is no reason. */
export const rollbackBars = (automated: boolean): string => (automated ? "Automation is on" : "");

/** Whether both were deployed from sources of the same declaration: revisions are compared as the source is declared now. */
export const declaredAlike = (one: HistoryEntry, other: HistoryEntry | undefined): boolean =>
  yaml(inOrder([one.source ?? null, one.sources ?? []])) === yaml(inOrder([other?.source ?? null, other?.sources ?? []]));

/** What going back would change, and then the going back. */
function Rollback({ row, entry, onClose }: { row: Row; entry: HistoryEntry | undefined; onClose: () => void }) {
  const [prune, setPrune] = useState(false);
  const [refused, refuse] = useState("");
  const several = !entry?.revision;
  const path = several ? "" : `/v1/applications/${encodeURIComponent(row.name)}/manifests`;
  const then = useAsked<Manifests>(path, { appNamespace: row.namespace, revision: entry?.revision });
  const now = useAsked<Manifests>(path, { appNamespace: row.namespace, revision: deployedOf(row.app)?.revision || revisionOf(row.app) || undefined });
  const automated = isAutomated(row.app);
  const revision = shortRevision(revisionOfEntry(entry));
  useEffect(() => refuse(""), [entry]);
  if (!entry)
    return (
      <Dialog title="Roll back" onClose={onClose}>
        <p>The history has no such entry any more: it keeps the last ten.</p>
      </Dialog>
    );
  const error = then.error ?? now.error;
  const [before, after] = [manifestsAsText(now.value), manifestsAsText(then.value)];
  const source = declaredAlike(entry, deployedOf(row.app));
  const why = rollbackBars(automated);
  const run = () =>
    rollback(row, Number(entry.id), prune).then(onClose, (fault: Error) => {
      refuse(fault.message);
    });
  return (
    <Dialog wide title={`Roll ${brief(row.name, 60)} back to ${revision}`} onClose={onClose}>
      <p>
        {automated ? (
          <>
            Automation would bring {shortRevision(revisionOf(row.app))} back at once. Revert the commit in Git, or turn automation off first:{" "}
            <code>trueup app set {brief(row.name, 60)} --sync-policy none</code>
          </>
        ) : (
          `The cluster will be made as ${revision} had it. Git stays as it is, so the application will be OutOfSync until Git is reverted too.`
        )}
      </p>
      {several ? (
        <p class="dim">It has several sources: what would change is not shown here.</p>
      ) : error ? (
        <Refused what="the manifests of then" error={error} again={() => (then.again(), now.again())} />
      ) : !then.value || !now.value ? (
        <Waiting what="what would change" lines={3} />
      ) : (
        <div class="card within">
          <Difference before={before} after={after} same={source ? "The manifests of both are the same. Where what runs is otherwise, by hand or by a sync of some objects, going back applies them again: Changes shows what differs now." : "The manifests of both revisions are the same. The source was declared otherwise then: what that changes is not shown here."} />
        </div>
      )}
      <label class="check">
        <input type="checkbox" checked={prune} onChange={(event) => setPrune(event.currentTarget.checked)} /> Delete what that version did not have (prune)
      </label>
      {refused && (
        <p class="bad" role="alert">
          {oneLine(refused)}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button primary why={why} onClick={() => void run()}>
          Roll back to {revision}
        </Button>
      </footer>
    </Dialog>
  );
}

