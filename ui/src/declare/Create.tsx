import { useEffect, useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import "../style/declare.css";
import { create } from "../application/actions";
import { Button } from "../parts/parts";
import { fleet } from "../replica/fleet";
import { pathOf, useAddress } from "../shell/address";
import { oneLine } from "../words/text";
import { yaml } from "../words/yaml";
import { FIRST } from "./draft";
import { Editor, useChecked } from "./Editor";
import { Outlook } from "./Outlook";

/** A draft in an address is kept while it is short: longer ones no browser and no proxy takes. */
const SHORT = 4_000;

/** A new application: form and YAML side by side, and what will happen. The draft stands in the address. */
export function Create() {
  const [words, change] = useAddress();
  const [, go] = useLocation();
  const [text, write] = useState(() => words.get("draft") ?? copied(words.get("from") ?? "") ?? FIRST);
  const [busy, work] = useState(false);
  const [refused, refuse] = useState("");
  const checked = useChecked(text);
  useEffect(() => {
    document.title = "New application · Trueup";
  }, []);
  useEffect(() => {
    const timer = setTimeout(() => change({ draft: text.length > SHORT || text === FIRST ? undefined : text }, true), 400);
    return () => clearTimeout(timer);
  }, [text]);
  const { draft, problems } = checked;
  const run = async () => {
    if (!draft.app) return;
    work(true);
    refuse("");
    try {
      const made = await create(draft.app);
      go(pathOf(made.metadata.namespace ?? "", made.metadata.name));
    } catch (error) {
      refuse((error as Error).message);
      work(false);
    }
  };
  return (
    <>
      <h1>New application</h1>
      <p class="lead">Which manifests belong in which cluster. Fields and text are the same thing: write in either. Nothing is created before you say so.</p>
      <div class="card declare">
        <Editor text={text} checked={checked} named={false} onText={write} />
        <Outlook app={draft.app} problems={problems} />
        {refused && (
          <p class="bad pad" role="alert">
            {oneLine(refused, 600)}
          </p>
        )}
        <footer>
          <Link class="button" href="/applications">
            Cancel
          </Link>
          <Button primary disabled={busy || !draft.app || problems.length > 0} onClick={() => void run()}>
            {busy ? "Creating…" : "Create"}
          </Button>
        </footer>
      </div>
    </>
  );
}

/** The draft that another application is the pattern of. */
function copied(key: string): string | undefined {
  const app = fleet.rows.value.get(key)?.app;
  return app && yaml({ apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata: { name: `${app.metadata.name}-copy` }, spec: app.spec });
}
