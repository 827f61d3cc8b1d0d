import { useState } from "preact/hooks";
import "../style/declare.css";
import { updateSpec } from "../application/actions";
import { Difference } from "../application/Difference";
import type { Application } from "../model/application";
import { Button, Dialog } from "../parts/parts";
import type { Row } from "../replica/replica";
import { brief, oneLine } from "../words/text";
import { ordered, yaml } from "../words/yaml";
import { Editor, useChecked } from "./Editor";
import { Kept } from "./Kept";
import { Outlook } from "./Outlook";

const textOf = (app: Application): string => yaml({ metadata: { name: app.metadata.name }, spec: ordered(app.spec ?? {}) });

/** What an application declares, changed: form and YAML, and what differs from what is there. */
export function EditDialog({ row, parent, onClose }: { row: Row; parent: string; onClose: () => void }) {
  const [begun, begin] = useState(() => textOf(row.app));
  const [text, write] = useState(begun);
  const [busy, work] = useState(false);
  const [refused, refuse] = useState("");
  const checked = useChecked(text);
  const { draft, problems } = checked;
  const now = textOf(row.app);
  const overtaken = now !== begun;
  const after = draft.app ? yaml(ordered(draft.app.spec ?? {})) : "";
  const before = yaml(ordered(row.app.spec ?? {}));
  const renamed = draft.app && draft.app.metadata.name !== row.name;
  const run = async () => {
    if (!draft.app?.spec) return;
    work(true);
    refuse("");
    try {
      await updateSpec(row, draft.app.spec);
      onClose();
    } catch (error) {
      refuse((error as Error).message);
      work(false);
    }
  };
  return (
    <Dialog wide title={`Edit what ${brief(row.name, 60)} declares`} onClose={onClose}>
      <Kept parent={parent} />
      {overtaken && (
        <p class="bad" role="alert">
          Somebody has changed it meanwhile.{" "}
          <button type="button" class="link" onClick={() => (begin(now), write(now))}>
            Begin anew with what is there
          </button>
        </p>
      )}
      <Editor text={text} checked={checked} named onText={write} />
      {draft.app && before !== after ? (
        <>
          <h3>What you change</h3>
          <div class="card within">
            <Difference before={before} after={after} />
          </div>
        </>
      ) : null}
      <Outlook app={draft.app} problems={renamed ? [...problems, { field: "metadata.name", words: "A name is kept for ever: create another application instead." }] : problems} />
      {refused && (
        <p class="bad" role="alert">
          {oneLine(refused, 600)}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button primary why={draft.app && before === after ? "Nothing is changed yet" : ""} disabled={busy || overtaken || !draft.app || !!renamed || problems.length > 0} onClick={() => void run()}>
          {busy ? "Saving…" : "Save"}
        </Button>
      </footer>
    </Dialog>
  );
}
