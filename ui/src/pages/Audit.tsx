import { useEffect, useState } from "preact/hooks";
import { Link } from "wouter";
import { ACTIONS, actorInWords, type AuditEntry, entryInWords, lookOfEntry } from "../model/audit";
import { Ago, Blank, Button, Shape, Waiting } from "../parts/parts";
import { pathOf, useAddress } from "../shell/address";
import { brief, count } from "../words/text";
import { Refused, useAsked } from "./listing";

const FIELDS: [key: string, label: string, hint: string][] = [
  ["application", "Application", "argocd/web"],
  ["object", "Object", "Deployment"],
  ["by", "By", "ada"],
  ["revision", "Commit", "3f2a91c"],
  ["since", "Since", "2h, 7d, 2026-01-31"],
];
const FIRST = 100;

/** What was done and seen: by whom, to what, why, and what came of it. The question stands in the address. */
export function Audit() {
  const [words, change] = useAddress();
  const [limit, show] = useState(FIRST);
  const query = Object.fromEntries([...FIELDS.map(([key]) => key), "action"].map((key) => [key, words.get(key) ?? undefined]));
  const asked = useAsked<{ entries?: AuditEntry[] | null }>("/v1/trueup/audit", { ...query, limit: String(limit) });
  useEffect(() => {
    document.title = "Audit · Trueup";
  }, []);
  const entries = [...(asked.value?.entries ?? [])].sort((a, b) => (b.id ?? 0) - (a.id ?? 0));
  return (
    <>
      <h1>Audit</h1>
      <p class="lead">What was done and seen, by whom, why, and what came of it. A name is a claim unless it says otherwise.</p>
      <form
        class="bench"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget as HTMLFormElement);
          change(Object.fromEntries([...form].map(([key, value]) => [key, String(value).trim() || undefined])));
        }}
      >
        {FIELDS.map(([key, label, hint]) => (
          <label key={key}>
            {label}
            <input name={key} defaultValue={words.get(key) ?? ""} placeholder={hint} size={14} spellcheck={false} autocomplete="off" />
          </label>
        ))}
        <label>
          What
          <select name="action" defaultValue={words.get("action") ?? ""}>
            <option value="">anything</option>
            {ACTIONS.map((one) => (
              <option key={one} value={one} selected={one === words.get("action")}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <Button type="submit">Search</Button>
      </form>
      {asked.error && !asked.value ? (
        <Refused what="the audit trail" error={asked.error} again={asked.again} />
      ) : !asked.value ? (
        <Waiting what="the audit trail" />
      ) : !entries.length ? (
        <Blank title="No entry">
          <p>Nothing like this was done or seen, or you may not see the applications that it is about.</p>
        </Blank>
      ) : (
        <>
          <div class="card timeline">
            <ol>
              {entries.map((entry) => (
                <Line key={entry.id} entry={entry} />
              ))}
            </ol>
          </div>
          <p class="dim" role="status">
            {count(entries.length, "entry", "entries")}
            {entries.length >= limit && (
              <>
                , the newest.{" "}
                <button type="button" class="link" onClick={() => show(limit * 4)}>
                  Show more
                </button>
              </>
            )}
          </p>
        </>
      )}
    </>
  );
}

function Line({ entry }: { entry: AuditEntry }) {
  const [namespace = "", name = ""] = (entry.application ?? "").split("/");
  const who = actorInWords(entry);
  return (
    <li>
      <Shape look={lookOfEntry(entry)} />
      <span class="when">
        <Ago at={entry.at} />
      </span>
      <span class="what">
        <b>{brief(entry.action ?? "", 40)}</b> {name && <Link href={pathOf(namespace, name, "activity")}>{brief(name, 60)}</Link>} {entry.result && <span class="dim">{brief(entry.result, 60)}</span>}
        <small>{[entryInWords(entry), who && `by ${who}`, entry.why && `because of ${brief(entry.why, 40)}`].filter(Boolean).join(" · ")}</small>
      </span>
    </li>
  );
}
