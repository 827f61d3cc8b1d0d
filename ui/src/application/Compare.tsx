import { useAsked, Refused } from "../pages/listing";
import { type HistoryEntry } from "../model/application";
import { revisionOfEntry } from "../model/deployed";
import { Button, Dialog, Waiting } from "../parts/parts";
import type { Row } from "../replica/replica";
import { ago } from "../words/age";
import { brief, shortRevision } from "../words/text";
import { manifestsAsText, type Manifests } from "./Activity";
import { Difference } from "./Difference";
import { now } from "../parts/clock";

interface Props {
  row: Row;
  /** Ids of the two entries, as the address has them: `4,7`. */
  pair: string;
  onPair: (pair: string) => void;
  onClose: () => void;
}

/** The manifests of an entry's revision, where it has one source. */
function useManifests(row: Row, entry: HistoryEntry | undefined) {
  const path = entry?.revision ? `/v1/applications/${encodeURIComponent(row.name)}/manifests` : "";
  return useAsked<Manifests>(path, { appNamespace: row.namespace, revision: entry?.revision });
}

/** What any two deployments differ in, the earlier one on the left. */
export function Compare({ row, pair, onPair, onClose }: Props) {
  const history = row.app.status?.history ?? [];
  const [one = "", other = ""] = pair.split(",");
  const find = (id: string) => history.find((entry) => String(entry.id) === id);
  const [before, after] = [find(one), find(other)];
  const [then, since] = [useManifests(row, before), useManifests(row, after)];
  const error = then.error ?? since.error;
  const choice = (label: string, value: string, change: (id: string) => void) => (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        {!find(value) && <option value={value}>no such entry</option>}
        {[...history].reverse().map((entry) => (
          <option key={String(entry.id)} value={String(entry.id)}>
            {shortRevision(revisionOfEntry(entry))}, {ago(entry.deployedAt, now.value)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <Dialog wide title={`What two deployments of ${brief(row.name, 60)} differ in`} onClose={onClose}>
      <div class="toolbar">
        {choice("From", one, (id) => onPair(`${id},${other}`))}
        {choice("to", other, (id) => onPair(`${one},${id}`))}
      </div>
      {!before || !after ? (
        <p>The history has no such entry any more: it keeps the last ten.</p>
      ) : !before.revision || !after.revision ? (
        <p>One of them has several sources: their manifests are not compared here.</p>
      ) : error ? (
        <Refused what="the manifests of then" error={error} again={() => (then.again(), since.again())} />
      ) : !then.value || !since.value ? (
        <Waiting what="what differs" lines={3} />
      ) : (
        <div class="card within">
          <Difference before={manifestsAsText(then.value)} after={manifestsAsText(since.value)} same="The manifests of both are the same." />
        </div>
      )}
      <footer>
        <Button onClick={onClose}>Close</Button>
      </footer>
    </Dialog>
  );
}
