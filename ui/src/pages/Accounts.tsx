import { useState } from "preact/hooks";
import { Link } from "wouter";
import "../style/declare.css";
import { api } from "../net/client";
import { Ago, Button, Dialog, StateMark, Table } from "../parts/parts";
import { useAddress } from "../shell/address";
import { session } from "../shell/session";
import { brief, count, oneLine } from "../words/text";
import { itemsOf, Listing, useAsked } from "./listing";

interface Token {
  id?: string;
  issuedAt?: string | number;
  expiresAt?: string | number;
}

interface Account {
  name?: string;
  enabled?: boolean;
  capabilities?: string[] | null;
  tokens?: Token[] | null;
}

/** Seconds since 1970, as the server tells them, as an instant; empty for none. */
export const instantOf = (seconds: string | number | undefined): string => (Number(seconds) > 0 ? new Date(Number(seconds) * 1000).toISOString() : "");

/** What an account is for, in words. */
const purposes = (account: Account): string =>
  (account.capabilities ?? []).map((one) => (one === "login" ? "signs in" : one === "apiKey" ? "has tokens" : brief(one, 40))).join(", ") || "nothing";

export function Accounts() {
  const [words, change] = useAddress();
  const asked = itemsOf(useAsked<{ items?: Account[] | null }>("/v1/account"));
  const chosen = asked.value?.find((one) => one.name === words.get("account"));
  return (
    <>
      <Listing title="Accounts" lead="Accounts of this server, and their tokens. People who sign in by single sign-on are not among them." asked={asked} empty={<p>There is none that you may see.</p>}>
        {(accounts) => (
          <Table
            label="Accounts"
            rows={accounts}
            keyOf={(one) => one.name ?? ""}
            columns={[
              { title: "State", width: "18%", show: (one) => <StateMark look={one.enabled ? "ok" : "hold"} word={one.enabled ? "On" : "Off"} /> },
              {
                title: "Account",
                show: (one) => (
                  <>
                    <b>{brief(one.name ?? "", 80)}</b>
                    <small>{purposes(one)}</small>
                  </>
                ),
              },
              { title: "Tokens", width: "18%", show: (one) => (one.tokens?.length ? count(one.tokens.length, "token") : <span class="dim">none</span>) },
              {
                title: "What can be done",
                width: "22%",
                show: (one) => (
                  <>
                    {one.capabilities?.includes("apiKey") && <Link href={`/accounts?account=${encodeURIComponent(one.name ?? "")}&do=tokens`}>Tokens…</Link>}{" "}
                    {one.name === session.value?.username && <Link href={`/accounts?account=${encodeURIComponent(one.name ?? "")}&do=password`}>Password…</Link>}
                  </>
                ),
              },
            ]}
          />
        )}
      </Listing>
      {chosen && words.get("do") === "tokens" && <Tokens account={chosen} again={asked.again} onClose={() => change({ account: undefined, do: undefined })} />}
      {chosen && words.get("do") === "password" && <Password onClose={() => change({ account: undefined, do: undefined })} />}
    </>
  );
}

const DAYS: [string, number][] = [
  ["7 days", 7],
  ["30 days", 30],
  ["90 days", 90],
  ["a year", 365],
  ["for ever", 0],
];

function Tokens({ account, again, onClose }: { account: Account; again: () => void; onClose: () => void }) {
  const [id, name] = useState("");
  const [days, last] = useState(30);
  const [made, show] = useState("");
  const [refused, refuse] = useState("");
  const path = `/v1/account/${encodeURIComponent(account.name ?? "")}/token`;
  const failed = (error: Error) => refuse(error.message);
  const create = () => {
    refuse("");
    api<{ token?: string }>(path, { method: "POST", body: { name: account.name, id, expiresIn: days * 86_400 } }).then((answer) => (show(answer.token ?? ""), name(""), again()), failed);
  };
  const drop = (token: string) => {
    refuse("");
    api(`${path}/${encodeURIComponent(token)}`, { method: "DELETE" }).then(again, failed);
  };
  return (
    <Dialog title={`Tokens of ${brief(account.name ?? "", 60)}`} onClose={onClose}>
      {account.tokens?.length ? (
        <ul class="names">
          {account.tokens.map((one) => (
            <li key={one.id}>
              <code>{brief(one.id ?? "", 40)}</code>{" "}
              <span class="dim">
                made <Ago at={instantOf(one.issuedAt)} />
                {instantOf(one.expiresAt) ? `, until ${new Date(instantOf(one.expiresAt)).toLocaleDateString()}` : ", for ever"}
              </span>{" "}
              <button type="button" class="link" onClick={() => drop(one.id ?? "")}>
                End it
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <p class="dim">It has none.</p>
      )}
      {made && (
        <>
          <p>
            <b>This is the new token.</b> It is shown this once: keep it where secrets are kept.
          </p>
          <pre class="token">{made}</pre>
        </>
      )}
      <div class="bench">
        <label>
          A new one, named
          <input value={id} placeholder="by chance" maxLength={63} spellcheck={false} autocomplete="off" onInput={(event) => name(event.currentTarget.value)} />
        </label>
        <label>
          lasts
          <select value={String(days)} onChange={(event) => last(Number(event.currentTarget.value))}>
            {DAYS.map(([words, number]) => (
              <option key={number} value={String(number)}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </div>
      {refused && (
        <p class="bad" role="alert">
          {oneLine(refused)}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Close</Button>
        <Button primary onClick={create}>
          Make a token
        </Button>
      </footer>
    </Dialog>
  );
}

function Password({ onClose }: { onClose: () => void }) {
  const [refused, refuse] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const body = { name: session.value?.username, currentPassword: String(form.get("current")), newPassword: String(form.get("new")) };
    refuse("");
    api("/v1/account/password", { method: "PUT", body }).then(onClose, (error: Error) => refuse(error.message));
  };
  return (
    <Dialog title="Another password" onClose={onClose}>
      <form class="form" onSubmit={submit}>
        <div class="field">
          <label for="current">The password now</label>
          <input id="current" name="current" type="password" autocomplete="current-password" required />
        </div>
        <div class="field">
          <label for="new">The new one</label>
          <input id="new" name="new" type="password" autocomplete="new-password" required />
        </div>
        {refused && (
          <p class="bad" role="alert">
            {oneLine(refused)}
          </p>
        )}
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button primary type="submit">
            Change it
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
