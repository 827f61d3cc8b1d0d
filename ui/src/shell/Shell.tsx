import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { Find } from "../find/Find";
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
  ["/images", "Images", "i"],
  ["/audit", "Audit", "u"],
  ["/projects", "Projects", "p"],
  ["/repositories", "Repositories", "r"],
  ["/clusters", "Clusters", "c"],
  ["/accounts", "Accounts", "a"],
  ["/settings", "Settings", "s"],
] as const;
/** Those that a phone has room for; the others are a click away. */
const FIRST: readonly string[] = ["/applications", "/projects"];

const MOD = /mac|iphone|ipad/i.test(globalThis.navigator?.userAgent ?? "") ? "⌘" : "Ctrl";

export const KEYS_TOLD = [
  ["?", "This list"],
  ["⌘ K, Ctrl K", "Find anything, or say what to do"],
  ["/", "Search and filter"],
  ["j, k", "Next row, row before"],
  ["Enter", "Open the row"],
  ["x", "Select the row"],
  ["s", "Make the row a favourite, or none"],
  ["[, ]", "Tab before, next tab"],
  ["c", "Copy the address of what you see"],
  ...PAGES.map(([, title, key]) => [`g ${key}`, title] as const),
] as const;

/** The frame of every page: where you can go, how fresh what you see is, who you are. */
export function Shell({ children }: { children: ComponentChildren }) {
  const [path, go] = useLocation();
  const [words, change] = useAddress();
  // A blank is a line that nothing was written into yet.
  const find = () => change({ find: " " });
  useKeys({
    "?": () => change({ keys: "1" }),
    "mod k": find,
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
        <button type="button" class="page find" onClick={find} aria-keyshortcuts="Meta+K Control+K">
          Find <kbd aria-hidden="true">{MOD} K</kbd>
        </button>
        {PAGES.map(([to, title]) => {
          const here = path.startsWith(to);
          return (
            <Link key={to} href={to} class={`page${here ? " here" : ""}${FIRST.includes(to) ? "" : " later"}`} aria-current={here ? "page" : undefined}>
              {title}
              {title === "Fleet" && fleet.rows.value.size ? <b>{fleet.rows.value.size.toLocaleString("en")}</b> : null}
            </Link>
          );
        })}
        <button type="button" class="page more" onClick={() => change({ more: "1" })}>
          More
        </button>
        <Foot onKeys={() => change({ keys: "1" })} />
      </nav>
      <main id="main" tabIndex={-1}>
        <Freshness />
        {children}
      </main>
      {words.has("find") && <Find />}
      {words.has("more") && (
        <Dialog title="Pages" onClose={() => change({ more: undefined })}>
          <ul class="pages">
            {PAGES.map(([to, title]) => (
              <li key={to}>
                <Link href={to}>{title}</Link>
              </li>
            ))}
          </ul>
          {session.value?.username && (
            <p>
              Signed in as {session.value.username}.{" "}
              <button type="button" class="link" onClick={() => void signOut().catch(() => undefined)}>
                Sign out
              </button>
            </p>
          )}
        </Dialog>
      )}
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
