import { useMemo, useState } from "preact/hooks";
import type { ObjectRef, ResourceStatus } from "../model/application";
import { type ManagedObject, refOf } from "../model/tree";
import { Ago, Blank, Button, Shape, Waiting } from "../parts/parts";
import { Refused, useAsked } from "../pages/listing";
import type { Row } from "../replica/replica";
import { useAddress } from "../shell/address";
import { compare, type Look } from "../words/state";
import { driftedOf, valueInWords } from "../words/owner";
import { brief, count } from "../words/text";
import { ofState } from "../words/yaml";
import { Difference, Whole } from "./Difference";

type View = "diff" | "live" | "target" | "after";
const VIEWS: [View, string][] = [
  ["diff", "What would change"],
  ["live", "As it is"],
  ["target", "As Git has it"],
  ["after", "After an apply"],
];

interface Verdict {
  rank: number;
  look: Look;
  words: string;
}

/** What is to be said of one object's difference. */
export function verdictOf(item: ManagedObject, status: ResourceStatus | undefined): Verdict {
  const there = !!item.liveState && item.liveState !== "null";
  const wanted = !!item.targetState && item.targetState !== "null";
  if (!there) return { rank: 0, look: "warn", words: "is not in the cluster, a sync creates it" };
  if (!wanted) return { rank: 1, look: "warn", words: "is no longer in Git, a sync with pruning deletes it" };
  if (item.modified || status?.status === "OutOfSync") return { rank: 2, look: "warn", words: "differs from Git" };
  return { rank: 3, look: "ok", words: "is as Git declares" };
}

export function Changes({ row }: { row: Row }) {
  const [words, change] = useAddress();
  const view = (words.get("view") ?? "diff") as View;
  // What is compared anew is asked for anew: at another revision, and when another number of objects differ.
  const turn = `${row.revision} ${row.drift} ${row.app.status?.operationState?.finishedAt ?? ""}`;
  const asked = useAsked<{ items?: ManagedObject[] | null }>(`/v1/applications/${encodeURIComponent(row.name)}/managed-resources`, { appNamespace: row.namespace }, turn);
  const [selected, select] = useState<ReadonlySet<string>>(new Set());
  const [all, showAll] = useState(false);

  const items = useMemo(() => {
    const known = new Map((row.app.status?.resources ?? []).map((one) => [refOf(one), one]));
    return (asked.value?.items ?? [])
      .map((item) => ({ item, ref: refOf(item), verdict: verdictOf(item, known.get(refOf(item))) }))
      .sort((a, b) => a.verdict.rank - b.verdict.rank || compare(a.ref, b.ref));
  }, [asked.value, row]);

  if (asked.error && !asked.value) return <Refused what="the objects of this application" error={asked.error} again={asked.again} />;
  if (!asked.value) return <Waiting what="what differs" />;
  const differing = items.filter((one) => one.verdict.rank < 3);
  const shown = all ? items : differing;
  const toggle = (ref: string) =>
    select((before) => {
      const next = new Set(before);
      if (!next.delete(ref)) next.add(ref);
      return next;
    });
  return (
    <>
      <div class="toolbar">
        <span>
          {differing.length ? `${count(differing.length, "object differs", "objects differ")} from Git` : "Every object is as Git declares"}
          {differing.length && items.length > differing.length ? `, ${count(items.length - differing.length, "is", "are")} the same` : ""}.
        </span>
        <span class="segments" role="group" aria-label="What is shown">
          {VIEWS.map(([id, title]) => (
            <button key={id} type="button" aria-pressed={view === id} onClick={() => change({ view: id === "diff" ? undefined : id }, true)}>
              {title}
            </button>
          ))}
        </span>
        {selected.size > 0 && (
          <Button primary onClick={() => change({ do: "sync", only: [...selected].join(",") })}>
            Sync {count(selected.size, "object")}…
          </Button>
        )}
      </div>
      {!items.length ? (
        <Blank title="No object yet">
          <p>The source has no manifests, or it could not be read: the sentence above says which.</p>
        </Blank>
      ) : (
        <div class="card objects">
          {shown.map(({ item, ref, verdict }, at) => (
            <ObjectRow key={ref} item={item} verdict={verdict} view={view} open={at < 3 && verdict.rank < 3} selected={selected.has(ref)} onSelect={() => toggle(ref)} />
          ))}
          {!shown.length && <p class="dim pad">Nothing to show: nothing differs.</p>}
        </div>
      )}
      {items.length > differing.length && (
        <p>
          <button type="button" class="link" onClick={() => showAll(!all)}>
            {all ? "Show what differs alone" : `Show the ${count(items.length - differing.length, "object")} that are the same`}
          </button>
        </p>
      )}
    </>
  );
}

interface RowProps {
  item: ManagedObject;
  verdict: Verdict;
  view: View;
  open: boolean;
  selected: boolean;
  onSelect: () => void;
}

function ObjectRow({ item, verdict, view, open: first, selected, onSelect }: RowProps) {
  const [open, toggle] = useState(first);
  const name = nameOf(item);
  return (
    <div class="object">
      <div class="object-head">
        <input type="checkbox" checked={selected} onChange={onSelect} aria-label={`Select ${name}`} />
        <button type="button" aria-expanded={open} onClick={() => toggle(!open)}>
          <Shape look={verdict.look} />
          <b>
            <bdi>{name}</bdi>
          </b>
          <span class="dim">{verdict.words}</span>
        </button>
      </div>
      {open && <Body item={item} view={view} />}
    </div>
  );
}

export const nameOf = (one: ObjectRef): string => `${brief(one.kind ?? "", 40)} ${brief(one.namespace ? `${one.namespace}/${one.name}` : (one.name ?? ""), 100)}`;

export function Body({ item, view }: { item: ManagedObject; view: View }) {
  const live = useMemo(() => ofState(item.normalizedLiveState || item.liveState), [item]);
  const target = useMemo(() => ofState(item.predictedLiveState || item.targetState), [item]);
  if (view === "live") return <Whole text={ofState(item.liveState)} none="It is not in the cluster." />;
  if (view === "target") return <Whole text={ofState(item.targetState)} none="Git does not have it." />;
  if (view === "after") return <Whole text={target} none="Git does not have it: pruning would delete it." />;
  return (
    <>
      <Owners item={item} />
      <Difference before={live} after={target} same="An apply would change nothing." />
    </>
  );
}

/** The most fields that have a line of their own; the difference below has them all. */
const MOST = 8;

/** Fields that differ, each with who wrote it and when. */
function Owners({ item }: { item: ManagedObject }) {
  const fields = useMemo(() => driftedOf(item.normalizedLiveState || item.liveState, item.predictedLiveState || item.targetState, item.liveState), [item]);
  const owned = fields.filter((one) => one.manager);
  if (!owned.length) return null;
  return (
    <ul class="owners">
      {owned.slice(0, MOST).map((one) => (
        <li key={one.field}>
          <code>{one.field}</code> is <b>{valueInWords(one.live)}</b>, Git has {valueInWords(one.wanted)}
          <span class="dim">
            {" "}
            · written by {brief(one.manager, 60)} <Ago at={one.time} />
          </span>
        </li>
      ))}
      {owned.length > MOST && <li class="dim">and {count(owned.length - MOST, "more field")}</li>}
    </ul>
  );
}
