import { useMemo } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { type Application, type OperationState, revisionOf } from "../model/application";
import { deployedOf, isDryRun, revisionOfEntry, rolledBackOf } from "../model/deployed";
import { servingOf, stuckOf } from "../model/pods";
import type { Tree } from "../model/tree";
import { Ago, Button, Card } from "../parts/parts";
import type { Row } from "../replica/replica";
import { pathOf, useAddress } from "../shell/address";
import { byWhom, words as inWords } from "../words/reason";
import { isRunning } from "../words/state";
import { brief, count, oneLine, shortRevision, some } from "../words/text";
import { adviceOf } from "./advice";

/** Why, what to do, what serves now, who changed what: in the same order everywhere. */
export function Side({ row, tree }: { row: Row; tree: Tree | undefined }) {
  const advice = useMemo(() => adviceOf(row.app, row.state, tree), [row, tree]);
  const stuck = row.state.word === "Progressing" ? stuckOf(tree) : undefined;
  const served = useMemo(() => servedInWords(row.app, tree), [row, tree]);
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
      {stuck && (
        <p>
          Pod {brief(stuck.name ?? "", 80)}: {oneLine(inWords(stuck.health?.message ?? ""))}
        </p>
      )}
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
        {served.map((line) => (
          <span key={line} class="served">
            {line}
          </span>
        ))}
      </p>
      <Addresses urls={summary?.externalURLs ?? []} />
      <hr />
      <h2>Who changed what</h2>
      <ul class="log">
        {operationState?.startedAt && (!isDryRun(operationState) || isRunning(operationState)) && (
          <li>
            <Ago at={operationState.finishedAt ?? operationState.startedAt} /> {phaseInWords(operationState)} by {byWhom(operationState.operation?.initiatedBy)}
          </li>
        )}
        {[...(row.app.status?.history ?? [])]
          .reverse()
          .slice(0, 4)
          .map((entry) => (
            <li key={String(entry.id)}>
              <Ago at={entry.deployedAt} /> deployed <code>{shortRevision(revisionOfEntry(entry))}</code> by {byWhom(entry.initiatedBy)}
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

/** What runs, by the Pods that are ready, and from which revision it was deployed last. Pure. */
export function servedInWords(app: Application, tree: Tree | undefined): string[] {
  const last = deployedOf(app);
  const told: string[] = [];
  if (tree) {
    const { pods, ready, images } = servingOf(tree);
    if (ready) told.push(`${ready === pods ? count(ready, "Pod") : `${ready} of ${count(pods, "Pod")}`} ready: ${some(images.map(nameOfImage), 3) || "no image named"}.`);
    else if (pods) told.push(pods === 1 ? "Its Pod is not ready." : `None of its ${count(pods, "Pod")} is ready.`);
  }
  if (!last) return [...told, "Nothing has been deployed yet."];
  const [deployed, wanted] = [revisionOfEntry(last), revisionOf(app)];
  const back = rolledBackOf(app);
  const git = deployed === wanted ? "which is what Git has" : `Git is at ${shortRevision(wanted) || "something else"} by now`;
  return [...told, `${back ? `Rolled back by ${byWhom(back.by)} to` : "Deployed last:"} ${shortRevision(deployed)}, ${git}.`];
}

const nameOfImage = (image: string): string => brief(image.slice(image.lastIndexOf("/") + 1), 60);

/** An operation as the beginning of a sentence that ends with who asked for it. */
export function phaseInWords(operation: OperationState): string {
  const sync = isDryRun(operation) ? "dry run" : "sync";
  switch (operation.phase) {
    case "Succeeded":
      return isDryRun(operation) ? "dry run, asked for" : "synced";
    case "Failed":
    case "Error":
      return `${sync} failed, asked for`;
    case "Terminating":
      return `${sync} is being stopped, asked for`;
    default:
      return `${sync} runs, asked for`;
  }
}
