import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { fleet } from "../replica/fleet";
import { api } from "../net/client";
import { Dialog, Shape } from "../parts/parts";
import { now } from "../parts/clock";
import { span } from "../words/age";
import { useAddress } from "./address";
import { useKeys } from "./keyboard";
import { session, signOut } from "./session";

const PAGES = [
  ["/applications", "Fleet", "f"],
  ["/projects", "Projects", "p"],
  ["/repositories", "Repositories", "r"],
  ["/clusters", "Clusters", "c"],
  ["/settings", "Settings", "s"],
] as const;

export const KEYS_TOLD = [
  ["?", "This list"],
  ["/", "Search and filter"],
  ["j, k", "Next row, row before"],
  ["Enter", "Open the row"],
  ["x", "Select the row"],
  ["[, ]", "Tab before, next tab"],
  ["c", "Copy the address of what you see"],
  ...PAGES.map(([, title, key]) => [`g ${key}`, title] as const),
] as const;

/** The frame of every page: where you can go, how fresh what you see is, who you are. */
export function Shell({ children }: { children: ComponentChildren }) {
  const [path, go] = useLocation();
  const [words, change] = useAddress();
  useKeys({
    "?": () => change({ keys: "1" }),
    c: () => void navigator.clipboard?.writeText(window.location.href),
    ...Object.fromEntries(PAGES.map(([to, , key]) => [`g ${key}`, () => go(to)])),
  });
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>
        To the content
      </a>
      <nav class="nav" aria-label="Pages">
        <Link href="/applications" class="brand">
          <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
            <path d="M3 10.5 8 15 17 5" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" />
          </svg>
          <span>Trueup</span>
        </Link>
        {PAGES.map(([to, title]) => {
          const here = path.startsWith(to);
          return (
            <Link key={to} href={to} class={here ? "page here" : "page"} aria-current={here ? "page" : undefined}>
              {title}
              {title === "Fleet" && fleet.rows.value.size ? <b>{fleet.rows.value.size.toLocaleString("en")}</b> : null}
            </Link>
          );
        })}
        <Foot onKeys={() => change({ keys: "1" })} />
      </nav>
      <main id="main" tabIndex={-1}>
        <Freshness />
        {children}
      </main>
      {words.has("keys") && (
        <Dialog title="Keys" onClose={() => change({ keys: undefined })}>
          <dl class="keys">
            {KEYS_TOLD.map(([key, what]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </div>
  );
}

/** Says when what is shown is old, and why; silent while it is not. */
function Freshness() {
  const standing = fleet.standing.value;
  if (standing.is !== "stale") return null;
  const age = fleet.heard.value ? `What you see is ${span(now.value - fleet.heard.value)} old. ` : "";
  return (
    <div class="freshness" role="status">
      <Shape look="warn" />
      <span>
        <b>{standing.why}.</b> {age}It is being tried again.
      </span>
      <button type="button" class="link" onClick={() => fleet.again()}>
        Try now
      </button>
    </div>
  );
}

function Foot({ onKeys }: { onKeys: () => void }) {
  const [version, told] = useState("");
  const [kept, keep] = useState("");
  useEffect(() => {
    api<{ Version?: string }>("/version").then(
      (answer) => told(answer.Version ?? ""),
      () => undefined,
    );
  }, []);
  const standing = fleet.standing.value;
  const who = session.value;
  return (
    <div class="foot">
      {who?.username ? (
        <div class="who">
          <span title={who.username}>{who.username}</span>
          <button type="button" class="link" title={kept} onClick={() => void signOut().catch((error: Error) => keep(error.message))}>
            {kept ? "Still signed in" : "Sign out"}
          </button>
        </div>
      ) : null}
      <div>
        {[version, standing.is === "live" ? "live" : standing.is === "loading" ? "loading" : "not live"].filter(Boolean).join(" · ")}
        {" · "}
        <button type="button" class="link" onClick={onKeys}>
          Keys
        </button>
      </div>
    </div>
  );
}
