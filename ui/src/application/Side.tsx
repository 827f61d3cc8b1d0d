import { useMemo } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { type Application, revisionOf } from "../model/application";
import { Ago, Button, Card } from "../parts/parts";
import type { Row } from "../replica/replica";
import { pathOf, useAddress } from "../shell/address";
import { brief, oneLine, shortRevision, some } from "../words/text";
import { adviceOf } from "./advice";

/** Why, what to do, what serves now, who changed what: in the same order everywhere. */
export function Side({ row }: { row: Row }) {
  const advice = useMemo(() => adviceOf(row.app, row.state), [row]);
  const [, change] = useAddress();
  const [, go] = useLocation();
  const { conditions = [], summary, operationState } = row.app.status ?? {};
  const act = () =>
    advice.action === "rollback" ? go(`${pathOf(row.namespace, row.name, "activity")}?rollback=${advice.to?.id ?? ""}`) : change({ do: advice.action === "terminate" ? "stop" : "sync" });
  return (
    <Card class="side">
      <h2>Why</h2>
      <p>{row.reason.sentence}</p>
      {row.reason.detail && <p>{row.reason.detail}</p>}
      {conditions.map((one) => (
        <p key={`${one.type} ${one.message}`}>
          <b>{brief(one.type ?? "", 60)}</b>: {oneLine(one.message ?? "")}
        </p>
      ))}
      <h2>What to do</h2>
      {advice.action && (
        <p>
          <Button onClick={act}>{advice.label}</Button>
        </p>
      )}
      <p>{advice.words}</p>
      <hr />
      <h2>What serves now</h2>
      <p>
        {serving(row.app)}
        {summary?.images?.length ? (
          <>
            <br />
            <span class="dim">{some(summary.images.map((one) => brief(one.slice(one.lastIndexOf("/") + 1), 60)), 3)}</span>
          </>
        ) : null}
      </p>
      <Addresses urls={summary?.externalURLs ?? []} />
      <hr />
      <h2>Who changed what</h2>
      <ul class="log">
        {operationState?.startedAt && (
          <li>
            <Ago at={operationState.finishedAt ?? operationState.startedAt} /> {phaseInWords(operationState.phase)} by {byWhom(operationState.operation?.initiatedBy)}
          </li>
        )}
        {[...(row.app.status?.history ?? [])]
          .reverse()
          .slice(0, 4)
          .map((entry) => (
            <li key={String(entry.id)}>
              <Ago at={entry.deployedAt} /> deployed <code>{shortRevision(entry.revision || entry.revisions?.[0] || "")}</code> by {byWhom(entry.initiatedBy)}
            </li>
          ))}
      </ul>
      <Link href={pathOf(row.namespace, row.name, "activity")}>All activity</Link>
    </Card>
  );
}

/** Links that the objects name: those of the web alone, whatever else is written there. */
function Addresses({ urls }: { urls: string[] }) {
  const safe = urls.filter((one) => /^https?:\/\//i.test(one)).slice(0, 5);
  if (!safe.length) return null;
  return (
    <p>
      {safe.map((one) => (
        <a key={one} href={one} rel="noopener noreferrer nofollow" target="_blank">
          {brief(one, 80)}
          <br />
        </a>
      ))}
    </p>
  );
}

function serving(app: Application): string {
  const last = app.status?.history?.at(-1);
  const wanted = revisionOf(app);
  if (!last) return "Nothing has been deployed yet.";
  const served = last.revision || last.revisions?.[0] || "";
  return served === wanted ? `${shortRevision(served)}, which is what Git has.` : `${shortRevision(served)}; Git has ${shortRevision(wanted) || "something else"}.`;
}

export const byWhom = (who: { username?: string; automated?: boolean } | undefined): string => (who?.automated ? "automation" : who?.username ? oneLine(who.username, 60) : "somebody");

export function phaseInWords(phase: string | undefined): string {
  switch (phase) {
    case "Succeeded":
      return "synced";
    case "Failed":
    case "Error":
      return "sync failed, asked for";
    case "Terminating":
      return "sync is being stopped, asked for";
    default:
      return "sync runs, asked for";
  }
}
