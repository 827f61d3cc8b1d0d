import { Link } from "wouter";
import { print } from "../filter/grammar";
import { For, Shape } from "../parts/parts";
import { pathOf } from "../shell/address";
import type { Cause } from "../words/cause";
import { brief, count } from "../words/text";
import { useState } from "preact/hooks";

const SHOWN = 3;

/** What is wrong, one cause once, those of most applications first. */
export function Issues({ causes }: { causes: Cause[] }) {
  const [open, show] = useState(false);
  if (!causes.length) return null;
  const shown = open ? causes : causes.slice(0, SHOWN);
  return (
    <section class="issues" aria-label="Issues">
      {shown.map((cause) => (
        <div key={cause.id}>
          <b class="bad">
            <Shape look="bad" /> {cause.title}
          </b>
          <span>
            <bdi title={cause.what}>{brief(cause.what, 140)}</bdi>
            <span class="dim">
              {" · "}
              {cause.apps.length === 1 ? brief(cause.apps[0] as string, 60) : count(cause.apps.length, "application")}
              {cause.since ? (
                <>
                  {" · for "}
                  <For at={cause.since} />
                </>
              ) : null}
            </span>
          </span>
          <Remedy cause={cause} />
        </div>
      ))}
      {causes.length > SHOWN && (
        <button type="button" class="link" onClick={() => show(!open)}>
          {open ? "Show fewer" : count(causes.length - SHOWN, "more cause")}
        </button>
      )}
    </section>
  );
}

function Remedy({ cause }: { cause: Cause }) {
  const [first = ""] = cause.apps;
  const [namespace = "", name = ""] = first.split("/");
  if (cause.apps.length === 1)
    return (
      <Link class="fix" href={pathOf(namespace, name)}>
        Show why
      </Link>
    );
  const line = print([{ key: "cause", value: cause.id, not: false }]);
  return (
    <Link class="fix" href={`/applications?q=${encodeURIComponent(line)}`}>
      Show the {cause.apps.length}
    </Link>
  );
}
