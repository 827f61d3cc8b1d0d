import { useMemo } from "preact/hooks";
import { Link } from "wouter";
import { Body, nameOf, verdictOf } from "../application/Changes";
import { Whole } from "../application/Difference";
import { type ManagedObject, readRef, refOf, type Tree } from "../model/tree";
import { Ago, Dialog, Shape, StateMark, Waiting } from "../parts/parts";
import { Refused, useAsked } from "../pages/listing";
import type { Row } from "../replica/replica";
import { pathOf, useAddress } from "../shell/address";
import { lookOfObject } from "../words/state";
import { words as inWords } from "../words/reason";
import { brief, count, oneLine } from "../words/text";
import { ofState } from "../words/yaml";

const SHOWS = [
  ["live", "As it is"],
  ["target", "As Git has it"],
  ["diff", "What would change"],
  ["events", "Events"],
] as const;

interface Props {
  row: Row;
  tree: Tree | undefined;
  object: string;
  onClose: () => void;
}

/** One object of any kind: how it is, how Git has it, what would change, what happened to it. */
export function ObjectPanel({ row, tree, object, onClose }: Props) {
  const [address, change] = useAddress();
  const ref = readRef(object);
  const key = refOf(ref);
  const declared = row.app.status?.resources?.find((one) => refOf(one) === key);
  const node = tree?.nodes?.find((one) => refOf(one) === key);
  const show = address.get("show") ?? "live";
  const health = declared?.health ?? node?.health;
  const look = lookOfObject(health?.status, declared?.status);
  const isPod = ref.kind === "Pod" && !ref.group;
  const shows = declared ? SHOWS : SHOWS.filter(([id]) => id === "live" || id === "events");
  const facts = (node?.info ?? []).filter((one) => one.value);
  return (
    <Dialog wide title={nameOf(ref)} onClose={onClose}>
      <p class="object-state">
        <StateMark look={look} word={health?.status || declared?.status || "No health of its own"} />
        <span>{health?.message ? oneLine(inWords(health.message)) : ""}</span>
      </p>
      {(facts.length > 0 || node?.images?.length || isPod) && (
        <p class="dim">
          {[...facts.map((one) => `${brief(one.name ?? "", 40)}: ${brief(one.value ?? "", 80)}`), ...(node?.images ?? []).map((one) => brief(one, 120))].join(" · ")}{" "}
          {isPod && <Link href={`${pathOf(row.namespace, row.name, "logs")}?pod=${encodeURIComponent(ref.name)}`}>Its log</Link>}
        </p>
      )}
      <div class="segments" role="group" aria-label="What is shown">
        {shows.map(([id, title]) => (
          <button key={id} type="button" aria-pressed={show === id} onClick={() => change({ show: id }, true)}>
            {title}
          </button>
        ))}
      </div>
      <div class="card within">
        {show === "events" ? (
          <Events row={row} {...ref} uid={node?.uid ?? ""} />
        ) : show === "live" ? (
          <Live row={row} {...ref} version={declared?.version ?? node?.version ?? "v1"} />
        ) : (
          <Declared row={row} {...ref} view={show === "target" ? "target" : "diff"} />
        )}
      </div>
    </Dialog>
  );
}

interface Named {
  row: Row;
  group: string;
  kind: string;
  namespace: string;
  name: string;
}

function Live({ row, group, kind, namespace, name, version }: Named & { version: string }) {
  const asked = useAsked<{ manifest?: string }>(`/v1/applications/${encodeURIComponent(row.name)}/resource`, { appNamespace: row.namespace, group, kind, namespace, resourceName: name, version });
  const text = useMemo(() => ofState(asked.value?.manifest), [asked.value]);
  if (asked.error && !asked.value) return <Refused what="this object" error={asked.error} again={asked.again} />;
  return asked.value ? <Whole text={text} none="It is not in the cluster." /> : <Waiting what="the object" lines={3} />;
}

function Declared({ row, group, kind, namespace, name, view }: Named & { view: "diff" | "target" }) {
  const asked = useAsked<{ items?: ManagedObject[] | null }>(`/v1/applications/${encodeURIComponent(row.name)}/managed-resources`, { appNamespace: row.namespace, group, kind, namespace, name });
  if (asked.error && !asked.value) return <Refused what="what Git has" error={asked.error} again={asked.again} />;
  if (!asked.value) return <Waiting what="what differs" lines={3} />;
  const item = asked.value.items?.find((one) => refOf(one) === refOf({ group, kind, namespace, name }));
  if (!item) return <p class="dim pad">Git does not declare it.</p>;
  const verdict = verdictOf(item, undefined);
  return (
    <>
      <p class="pad">
        <Shape look={verdict.look} /> It {verdict.words}.
      </p>
      <Body item={item} view={view} />
    </>
  );
}

interface Event {
  metadata?: { uid?: string; name?: string; creationTimestamp?: string };
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  lastTimestamp?: string | null;
  eventTime?: string | null;
}

function Events({ row, namespace, name, uid }: Named & { uid: string }) {
  const asked = useAsked<{ items?: Event[] | null }>(`/v1/applications/${encodeURIComponent(row.name)}/events`, { appNamespace: row.namespace, resourceNamespace: namespace, resourceName: name, resourceUID: uid });
  if (asked.error && !asked.value) return <Refused what="events" error={asked.error} again={asked.again} />;
  if (!asked.value) return <Waiting what="events" lines={3} />;
  const events = asked.value.items ?? [];
  if (!events.length) return <p class="dim pad">Nothing was reported in the last hour or so: a cluster keeps Events that long.</p>;
  return (
    <ul class="events">
      {events.map((event) => (
        <li key={event.metadata?.uid ?? event.metadata?.name}>
          <Shape look={event.type === "Warning" ? "warn" : "none"} label={event.type ?? "Normal"} /> <b>{brief(event.reason ?? "", 60)}</b>{" "}
          <span class="dim">
            <Ago at={event.lastTimestamp || event.eventTime || event.metadata?.creationTimestamp} />
            {(event.count ?? 1) > 1 ? `, ${count(event.count ?? 1, "time")}` : ""}
          </span>
          <small>{oneLine(event.message ?? "")}</small>
        </li>
      ))}
    </ul>
  );
}
