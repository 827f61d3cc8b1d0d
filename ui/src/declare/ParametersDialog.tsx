import { useEffect, useMemo, useState } from "preact/hooks";
import "../style/declare.css";
import { updateSpec } from "../application/actions";
import { Difference } from "../application/Difference";
import { type Application, type Source, sourcesOf } from "../model/application";
import { Button, Dialog } from "../parts/parts";
import type { Row } from "../replica/replica";
import { useAddress } from "../shell/address";
import { api } from "../net/client";
import { brief, count, oneLine } from "../words/text";
import { ordered, yaml } from "../words/yaml";
import { Kept } from "./Kept";
import type { Details } from "./Outlook";
import { helmLines, kustomizeLines, withHelm, withKustomize, withLine } from "./parameters";

const typeOf = (app: Application, at: number): string => (app.spec?.sources?.length ? app.status?.sourceTypes?.[at] : app.status?.sourceType) ?? "";

const nameOf = (source: Source): string => brief(source.ref ? `$${source.ref}` : source.chart || source.path || source.repoURL || "", 60);

/** Parameters of Helm and Kustomize, of each source its own, as an override of what Git says. */
export function ParametersDialog({ row, parent, onClose }: { row: Row; parent: string; onClose: () => void }) {
  const [words, change] = useAddress();
  const sources = sourcesOf(row.app);
  const at = Math.min(Number(words.get("source") ?? 0) || 0, Math.max(0, sources.length - 1));
  const source = sources[at] ?? {};
  const type = typeOf(row.app, at);
  return (
    <Dialog wide title={`Parameters of ${brief(row.name, 60)}`} onClose={onClose}>
      <Kept parent={parent} />
      {sources.length > 1 && (
        <div class="segments" role="group" aria-label="Source">
          {sources.map((one, index) => (
            <button key={index} type="button" aria-pressed={index === at} onClick={() => change({ source: index ? String(index) : undefined }, true)}>
              {nameOf(one)}
            </button>
          ))}
        </div>
      )}
      {type === "Helm" || type === "Kustomize" ? (
        <Fields key={at} row={row} at={at} source={source} type={type} onClose={onClose} />
      ) : (
        <>
          <p>{type === "Directory" ? "A folder of manifests has no parameters: change the manifests in Git." : type ? `Sources of type ${brief(type, 40)} have none that can be set here.` : "Of what kind the source is, is not known before it was read once."}</p>
          <footer>
            <Button onClick={onClose}>Close</Button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

function Fields({ row, at, source, type, onClose }: { row: Row; at: number; source: Source; type: "Helm" | "Kustomize"; onClose: () => void }) {
  const [helm, setHelm] = useState(() => helmLines(source));
  const [kustomize, setKustomize] = useState(() => kustomizeLines(source));
  const { project = "default" } = row.app.spec ?? {};
  const details = useDetails(source, row.name, project, at);
  const [busy, work] = useState(false);
  const [refused, refuse] = useState("");
  const [next, fault] = useMemo((): [Source | undefined, string] => {
    try {
      return [type === "Helm" ? withHelm(source, helm) : withKustomize(source, kustomize), ""];
    } catch (error) {
      return [undefined, (error as Error).message];
    }
  }, [source, helm, kustomize]);
  const [before, after] = [yaml(ordered(source)), next ? yaml(ordered(next)) : ""];
  const run = async () => {
    if (!next) return;
    work(true);
    refuse("");
    const { spec = {} } = row.app;
    const changed = spec.sources?.length ? { ...spec, sources: spec.sources.map((one, index) => (index === at ? next : one)) } : { ...spec, source: next };
    try {
      await updateSpec(row, changed);
      onClose();
    } catch (error) {
      refuse((error as Error).message);
      work(false);
    }
  };
  return (
    <>
      <div class="form parameters">
        {type === "Helm" ? (
          <>
            <Offered
              what="parameters of the chart"
              entries={(details?.helm?.parameters ?? []).map((one) => ({ name: one.name ?? "", value: one.value ?? "" }))}
              onTake={({ name, value }) => setHelm({ ...helm, parameters: withLine(helm.parameters, `${name}=${value}`) })}
            />
            <Lines label="Parameters" hint="name=value, one a line; they win over values" value={helm.parameters} rows={6} onChange={(parameters) => setHelm({ ...helm, parameters })} />
            <Lines label="Values" hint="YAML; they win over the files of values" value={helm.values} rows={10} onChange={(values) => setHelm({ ...helm, values })} />
          </>
        ) : (
          <>
            <Offered
              what="images of the kustomization"
              entries={(details?.kustomize?.images ?? []).map((image) => ({ name: image, value: "" }))}
              onTake={({ name }) => setKustomize({ ...kustomize, images: withLine(kustomize.images, name) })}
            />
            <Lines label="Images" hint="web=registry.example.com/web:1.9, one a line" value={kustomize.images} rows={4} onChange={(images) => setKustomize({ ...kustomize, images })} />
            <Lines label="Replicas" hint="name=number, one a line" value={kustomize.replicas} rows={3} onChange={(replicas) => setKustomize({ ...kustomize, replicas })} />
            <Lines label="Prefix of names" value={kustomize.namePrefix} rows={1} onChange={(namePrefix) => setKustomize({ ...kustomize, namePrefix })} />
            <Lines label="Suffix of names" value={kustomize.nameSuffix} rows={1} onChange={(nameSuffix) => setKustomize({ ...kustomize, nameSuffix })} />
          </>
        )}
      </div>
      {next && before !== after && (
        <>
          <h3>What you change</h3>
          <div class="card within">
            <Difference before={before} after={after} />
          </div>
        </>
      )}
      {(fault || refused) && (
        <p class="bad" role="alert">
          {oneLine(fault || refused, 600)}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button primary why={next && before === after ? "Nothing is changed yet" : ""} disabled={busy || !next} onClick={() => void run()}>
          {busy ? "Saving…" : "Save the override"}
        </Button>
      </footer>
    </>
  );
}

function Lines({ label, hint = "", value, rows, onChange }: { label: string; hint?: string; value: string; rows: number; onChange: (value: string) => void }) {
  const id = `lines-${label.toLowerCase().replace(/\W+/g, "-")}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows > 1 ? (
        <textarea id={id} rows={rows} wrap="off" spellcheck={false} value={value} aria-describedby={hint ? `${id}-told` : undefined} onInput={(event) => onChange(event.currentTarget.value)} />
      ) : (
        <input id={id} spellcheck={false} autocomplete="off" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
      )}
      {hint && <small id={`${id}-told`}>{hint}</small>}
    </div>
  );
}

interface Offer {
  name: string;
  value: string;
}

/** The most that are listed at once; a search narrows them down. */
const LISTED = 30;

/** What the source has by itself, to begin an override with. */
function Offered({ what, entries, onTake }: { what: string; entries: Offer[]; onTake: (one: Offer) => void }) {
  const [search, type] = useState("");
  if (!entries.length) return null;
  const found = entries.filter((one) => `${one.name}=${one.value}`.toLowerCase().includes(search.toLowerCase()));
  return (
    <details class="offered">
      <summary>{count(entries.length, "value")} that can be overridden</summary>
      <input class="filter" type="search" aria-label={`Search the ${what}`} placeholder={`Search the ${what}`} value={search} onInput={(event) => type(event.currentTarget.value)} />
      <ul>
        {found.slice(0, LISTED).map((one) => (
          <li key={one.name}>
            <code>{brief(one.name, 120)}</code> <span class="dim">{oneLine(one.value, 80)}</span>
            <button type="button" class="link" aria-label={`Override ${brief(one.name, 120)}`} onClick={() => onTake(one)}>
              Override
            </button>
          </li>
        ))}
      </ul>
      {found.length > LISTED && <p class="dim">and {found.length - LISTED} more: search narrows them down.</p>}
    </details>
  );
}

/** What the server reads of a source; nothing where it does not. */
function useDetails(source: Source, appName: string, appProject: string, sourceIndex: number): Details | undefined {
  const [details, tell] = useState<Details>();
  const key = JSON.stringify(source);
  useEffect(() => {
    const stopped = new AbortController();
    const body = { source, appName, appProject, sourceIndex };
    api<Details>(`/v1/repositories/${encodeURIComponent(source.repoURL ?? "")}/appdetails`, { method: "POST", body, signal: stopped.signal }).then(tell, () => undefined);
    return () => stopped.abort();
  }, [key]);
  return details;
}
