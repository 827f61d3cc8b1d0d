import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import "../style/application.css";
import { type Application, sourcesOf } from "../model/application";
import { api, ApiError } from "../net/client";
import { Blank, Button, For, Waiting, Ago, StateMark, Dialog } from "../parts/parts";
import { deployedOf, partialOf, revisionOfEntry } from "../model/deployed";
import { stuckOf } from "../model/pods";
import type { Tree } from "../model/tree";
import { words as inWords } from "../words/reason";
import { commitOf } from "../replica/commits";
import { lineage } from "../model/parents";
import { lazily } from "../parts/lazy";
import { Menu } from "../parts/Menu";
import { fleet, parents } from "../replica/fleet";
import { type Row, rowOf } from "../replica/replica";
import { ObjectPanel } from "../object/ObjectPanel";
import { pathOf, useAddress, useHere } from "../shell/address";
import { useKeys } from "../shell/keyboard";
import { brief, count, firstLine, oneLine, shortRevision } from "../words/text";
import { Activity } from "./Activity";
import { refresh, terminate } from "./actions";
import { adviceOf } from "./advice";
import { Changes } from "./Changes";
import { Logs } from "./Logs";
import { Side } from "./Side";
import { SyncDialog } from "./SyncDialog";
import { Topology } from "./Topology";
import { useTree } from "./tree";

export const TABS = [
  ["topology", "Topology"],
  ["changes", "Changes"],
  ["activity", "Activity"],
  ["logs", "Logs"],
] as const;

const EditDialog = lazily(async () => (await import("../declare/EditDialog")).EditDialog);
const ParametersDialog = lazily(async () => (await import("../declare/ParametersDialog")).ParametersDialog);
const DeleteDialog = lazily(async () => (await import("../declare/EndDialogs")).DeleteDialog);
const AutomationDialog = lazily(async () => (await import("../declare/EndDialogs")).AutomationDialog);

interface Props {
  namespace: string;
  name: string;
  tab: string;
}

/** The application by the replica; one that the list does not have is asked for by its name. */
function useRow(namespace: string, name: string): { row?: Row; error?: ApiError } {
  const known = fleet.rows.value.get(`${namespace}/${name}`);
  const listed = fleet.standing.value.is !== "loading";
  const [alone, tell] = useState<{ row?: Row; error?: ApiError }>({});
  useEffect(() => {
    if (known || !listed) return undefined;
    const stopped = new AbortController();
    api<Application>(`/v1/applications/${encodeURIComponent(name)}`, { query: { appNamespace: namespace }, signal: stopped.signal }).then(
      (app) => tell({ row: rowOf(app) }),
      (error: unknown) => {
        if (!stopped.signal.aborted) tell({ error: error instanceof ApiError ? error : new ApiError(0, String(error)) });
      },
    );
    return () => stopped.abort();
  }, [!known && listed, namespace, name]);
  return known ? { row: known } : alone;
}

export function ApplicationPage({ namespace, name, tab }: Props) {
  const { row, error } = useRow(namespace, name);
  const { tree, error: untold } = useTree(namespace, name);
  const [words, change] = useAddress();
  const [, go] = useLocation();
  const at = TABS.findIndex(([id]) => id === tab);
  const turn = (by: number) => go(pathOf(namespace, name, (TABS[(at + by + TABS.length) % TABS.length] as (typeof TABS)[number])[0]));
  useKeys({ "[": () => turn(-1), "]": () => turn(1) });
  useEffect(() => {
    document.title = `${brief(name, 80)} · Trueup`;
  }, [name]);

  if (!row)
    return error ? (
      <Blank alone look="bad" title={`There is no application ${brief(name, 80)} that you may see`}>
        <p>{error.message}</p>
        <p>
          It may be gone, be of another namespace than {brief(namespace, 80)}, or be one that no role lets you get. <Link href="/applications">All applications</Link>
        </p>
      </Blank>
    ) : (
      <Waiting what="the application" />
    );

  return (
    <>
      <Header row={row} tree={tree} />
      <nav class="tabs" aria-label="Views of the application">
        {TABS.map(([id, title]) => (
          <Link key={id} href={pathOf(namespace, name, id)} class={id === tab ? "tab here" : "tab"} aria-current={id === tab ? "page" : undefined}>
            {title}
          </Link>
        ))}
      </nav>
      {tab === "topology" ? (
        <div class="split">
          <Topology row={row} tree={tree} error={untold} />
          <Side row={row} tree={tree} />
        </div>
      ) : tab === "changes" ? (
        <Changes row={row} />
      ) : tab === "activity" ? (
        <Activity row={row} />
      ) : tab === "logs" ? (
        <Logs row={row} tree={tree} />
      ) : (
        <Blank title="There is no such view">
          <Link href={pathOf(namespace, name)}>Topology, changes, activity and logs</Link> are there.
        </Blank>
      )}
      {words.has("object") && <ObjectPanel row={row} tree={tree} object={words.get("object") ?? ""} onClose={() => change({ object: undefined, show: undefined })} />}
      {words.get("do") === "sync" && <SyncDialog row={row} only={words.get("only") ?? ""} onClose={() => change({ do: undefined, only: undefined })} />}
      <Declared row={row} what={words.get("do") ?? ""} onClose={() => change({ do: undefined, source: undefined })} />
      {words.get("do") === "stop" && <StopDialog row={row} onClose={() => change({ do: undefined })} />}
    </>
  );
}

/** What changes the Application itself, each at an address of its own. */
function Declared({ row, what, onClose }: { row: Row; what: string; onClose: () => void }) {
  const parent = parents.value.get(row.key) ?? "";
  const given = { row, parent, onClose };
  switch (what) {
    case "edit":
      return <EditDialog {...given} />;
    case "parameters":
      return <ParametersDialog {...given} />;
    case "delete":
      return <DeleteDialog {...given} />;
    case "pause":
    case "resume":
      return <AutomationDialog {...given} on={what === "resume"} />;
    default:
      return null;
  }
}

/** The applications that this one comes from, each a link. */
function Lineage({ of }: { of: string }) {
  return lineage(of, parents.value).map((key) => {
    const [namespace = "", name = ""] = key.split("/");
    return (
      <Link key={key} class="chip" href={pathOf(namespace, name)} title={`made by the application ${brief(key, 120)}`}>
        {brief(name, 40)} ›
      </Link>
    );
  });
}

function More({ row }: { row: Row }) {
  const here = useHere();
  const menu = useRef<HTMLDetailsElement>(null);
  const entries: [string, string][] = [
    ["edit", "Edit…"],
    ["parameters", "Parameters…"],
    row.automated ? ["pause", "Pause…"] : ["resume", "Turn automation on…"],
    ["delete", "Delete…"],
  ];
  const away = () => {
    if (menu.current) menu.current.open = false;
  };
  return (
    <Menu label="More" inner={menu}>
      <ul>
        {entries.map(([what, label]) => (
          <li key={what}>
            <Link class="item" href={here("do", what)} onClick={away}>
              {label}
            </Link>
          </li>
        ))}
        <li>
          <Link class="item" href={`/new?from=${encodeURIComponent(row.key)}`} onClick={away}>
            New one like it…
          </Link>
        </li>
      </ul>
    </Menu>
  );
}

function Header({ row, tree }: { row: Row; tree: Tree | undefined }) {
  const [, change] = useAddress();
  const [, go] = useLocation();
  const [busy, work] = useState(false);
  const [refused, refuse] = useState("");
  const advice = useMemo(() => adviceOf(row.app, row.state, tree), [row, tree]);
  const stuck = row.state.word === "Progressing" ? stuckOf(tree) : undefined;
  const act = () =>
    advice.action === "rollback" ? go(`${pathOf(row.namespace, row.name, "activity")}?rollback=${advice.to?.id ?? ""}`) : change({ do: advice.action === "terminate" ? "stop" : "sync" });
  const again = async () => {
    work(true);
    refuse("");
    await refresh(row).catch((error: Error) => refuse(error.message));
    work(false);
  };
  return (
    <header class="app-header">
      <div class="where">
        <Lineage of={row.key} />
        <Link class="chip" href={`/projects/${encodeURIComponent(row.project)}`}>
          {brief(row.project, 40)}
        </Link>
        <span class="chip">
          {brief(row.cluster, 40)} / {brief(row.destination || "no namespace", 40)}
        </span>
        <span class="chip wide-only">{row.automated ? "Automated sync" : "Manual sync"}</span>
        <span class="actions">
          <More row={row} />
          <Button disabled={busy} onClick={() => void again()}>
            {busy ? "Comparing…" : "Refresh"}
          </Button>
          {advice.action !== "sync" && advice.action !== "terminate" && <Button onClick={() => change({ do: "sync" })}>Sync…</Button>}
          {advice.action && (
            <Button primary onClick={act}>
              {advice.label}
            </Button>
          )}
        </span>
      </div>
      <h1>
        <bdi>{brief(row.name, 120)}</bdi>
      </h1>
      <p class="lead">
        <StateMark look={row.state.look} word={row.state.word} />{" "}
        {row.state.since ? (
          <>
            for <For at={row.state.since} />:{" "}
          </>
        ) : null}
        <b>{stuck ? `Pod ${brief(stuck.name ?? "", 80)}: ${oneLine(inWords(stuck.health?.message ?? ""))}` : row.reason.sentence}</b>
        <Brought row={row} />
      </p>
      {refused && (
        <p class="bad" role="alert">
          {oneLine(refused)}
        </p>
      )}
    </header>
  );
}

/** From which commit was deployed what is there, in words; before the first deployment, what Git has. */
function Brought({ row }: { row: Row }) {
  const deployed = revisionOfEntry(deployedOf(row.app));
  const revision = deployed || row.revision;
  const commit = commitOf(row, revision).value;
  const partial = partialOf(row.app);
  if (!revision) return null;
  const source = sourcesOf(row.app)[0];
  return (
    <>
      {deployed ? ", deployed from " : ", Git is at "}
      {source?.chart ? "chart version " : ""}
      <code title={brief(revision, 80)}>{shortRevision(revision)}</code>
      {commit?.message ? ` “${firstLine(commit.message)}”` : ""}
      {commit?.author ? (
        <>
          {" "}
          ({oneLine(commit.author.replace(/\s*<.*$/, ""), 60)}
          {commit.date ? ", " : ""}
          <Ago at={commit.date} />)
        </>
      ) : null}
      {partial ? (
        <>
          , {count(partial.objects, "object")} of it from <code title={brief(partial.revision, 80)}>{shortRevision(partial.revision)}</code>
        </>
      ) : null}
      .
      {row.change && row.change.revision !== revision ? (
        <>
          {" "}
          Last changed by <code title={brief(row.change.revision, 80)}>{shortRevision(row.change.revision)}</code> “{firstLine(row.change.subject)}” ({oneLine((row.change.author ?? "").replace(/\s*<.*$/, ""), 60)}, <Ago at={row.change.at} />).
        </>
      ) : null}
    </>
  );
}

function StopDialog({ row, onClose }: { row: Row; onClose: () => void }) {
  const [refused, refuse] = useState("");
  const stop = () =>
    terminate(row).then(onClose, (error: Error) => {
      refuse(error.message);
    });
  return (
    <Dialog title={`Stop the sync of ${brief(row.name, 60)}`} onClose={onClose}>
      <p>What it has applied stays as it is; what it has not come to is not applied, and hooks that run are deleted.</p>
      {refused && (
        <p class="bad" role="alert">
          {oneLine(refused)}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Let it run</Button>
        <Button primary onClick={() => void stop()}>
          Stop it
        </Button>
      </footer>
    </Dialog>
  );
}
