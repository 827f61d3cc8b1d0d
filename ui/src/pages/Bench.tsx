import { useEffect, useState } from "preact/hooks";
import type { Project } from "../model/project";
import { api } from "../net/client";
import { Card, Shape } from "../parts/parts";
import { useAddress } from "../shell/address";
import { brief } from "../words/text";
import { ACTIONS, mayRole, type Question, RESOURCES } from "./bench";

/** "May X do Y to Z, and why": a question in the address, answered by the role's own lines, or by the server for who asks. */
export function Bench({ project }: { project: Project }) {
  const [words, change] = useAddress();
  const { name } = project.metadata;
  const roles = (project.spec?.roles ?? []).map((one) => one.name ?? "").filter(Boolean);
  const role = words.get("role") ?? "";
  const question: Question = { resource: words.get("resource") || "applications", action: words.get("action") || "get", object: words.get("object") || `${name}/*` };
  const set = (key: string) => (event: { currentTarget: HTMLInputElement | HTMLSelectElement }) => change({ [key]: event.currentTarget.value }, true);
  return (
    <Card class="detail">
      <h2>Who may do what</h2>
      <div class="bench">
        <label>
          May
          <select value={role} onChange={set("role")}>
            <option value="">I, as I am signed in</option>
            {roles.map((one) => (
              <option key={one} value={one}>
                role {brief(one, 60)}
              </option>
            ))}
          </select>
        </label>
        <label>
          do
          <input value={question.action} list="bench-actions" spellcheck={false} autocomplete="off" onInput={set("action")} />
        </label>
        <label>
          to
          <select value={question.resource} onChange={set("resource")}>
            {RESOURCES.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <label>
          named
          <input value={question.object} spellcheck={false} autocomplete="off" onInput={set("object")} />
        </label>
        <datalist id="bench-actions">
          {ACTIONS.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </div>
      {role ? <ByRole project={project} role={role} question={question} /> : <ByServer question={question} />}
    </Card>
  );
}

function Answer({ allowed, why }: { allowed: boolean; why: string }) {
  return (
    <p role="status" class="answer">
      <Shape look={allowed ? "ok" : "bad"} /> <b>{allowed ? "Yes." : "No."}</b> {why}
    </p>
  );
}

function ByRole({ project, role, question }: { project: Project; role: string; question: Question }) {
  const { allowed, line } = mayRole(project, role, question);
  return (
    <>
      <Answer allowed={allowed} why={line ? (allowed ? "This line of the role allows it:" : "This line of the role denies it, whatever others allow:") : "No line of this role speaks of it."} />
      {line && <pre>{brief(line, 400)}</pre>}
      <p class="dim">Whoever has the role may have more by argocd-rbac-cm, and less by a line there that denies.</p>
    </>
  );
}

function ByServer({ question }: { question: Question }) {
  const [answer, tell] = useState("");
  const { resource, action, object } = question;
  useEffect(() => {
    const stopped = new AbortController();
    const timer = setTimeout(() => {
      api<{ value?: string }>(`/v1/account/can-i/${[resource, action].map(encodeURIComponent).join("/")}/${object}`, { signal: stopped.signal }).then(
        (told) => tell(told.value ?? "no"),
        (error: Error) => !stopped.signal.aborted && tell(error.message),
      );
    }, 200);
    return () => (clearTimeout(timer), stopped.abort());
  }, [resource, action, object]);
  if (!answer) return <p class="dim">The server is being asked…</p>;
  if (answer !== "yes" && answer !== "no") return <p class="bad">{brief(answer)}</p>;
  return <Answer allowed={answer === "yes"} why={answer === "yes" ? "The server says so, by all that speaks of you: argocd-rbac-cm and the roles of projects." : "No line of argocd-rbac-cm and no role of a project allows it, or one denies it."} />;
}
