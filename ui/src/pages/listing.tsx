/** A page that lists what one question to the server answers: loading, refused, empty, there. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, ApiError } from "../net/client";
import { Blank, Button, Waiting } from "../parts/parts";

export type Asked<T> = { value?: T; error?: ApiError; again: () => void };

/** Ask, and again when `moment` changes; what was answered stays until the next answer. An empty path asks nothing. */
export function useAsked<T>(path: string, query: Record<string, string | undefined> = {}, moment = ""): Asked<T> {
  const [state, tell] = useState<{ value?: T; error?: ApiError }>({});
  const [turn, again] = useState(0);
  const key = JSON.stringify([path, query]);
  useEffect(() => {
    const stopped = new AbortController();
    if (!path) return undefined;
    api<T>(path, { query, signal: stopped.signal }).then(
      (value) => tell({ value }),
      (error: unknown) => {
        if (!stopped.signal.aborted) tell((before) => ({ ...before, error: error instanceof ApiError ? error : new ApiError(0, String(error)) }));
      },
    );
    return () => stopped.abort();
  }, [key, turn, moment]);
  return { ...state, again: () => again((count) => count + 1) };
}

/** What is shown in place of something that has not come. */
export function Refused({ what, error, again }: { what: string; error: ApiError; again: () => void }) {
  if (error.status === 501)
    return (
      <Blank title={`This server does not serve ${what} yet`}>
        <p>The command line shows them: trueup --help lists its commands.</p>
      </Blank>
    );
  return (
    <Blank look="bad" title={error.forbidden ? `You may not see ${what}` : `There is no answer about ${what}`}>
      <p>{error.message}</p>
      {error.forbidden ? <p class="dim">Who may see what is decided by argocd-rbac-cm and by the roles of projects.</p> : <Button onClick={again}>Try again</Button>}
    </Blank>
  );
}

export function Listing<T>({ title, lead, asked, empty, children }: { title: string; lead: string; asked: Asked<T[]>; empty: ComponentChildren; children: (rows: T[]) => ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Trueup`;
  }, [title]);
  return (
    <>
      <h1>{title}</h1>
      <p class="lead">{lead}</p>
      {asked.error && !asked.value ? (
        <Refused what={title.toLowerCase()} error={asked.error} again={asked.again} />
      ) : !asked.value ? (
        <Waiting what={title.toLowerCase()} lines={4} />
      ) : asked.value.length ? (
        <div class="card">{children(asked.value)}</div>
      ) : (
        <Blank title={`No ${title.toLowerCase()}`}>{empty}</Blank>
      )}
    </>
  );
}

/** `{items: null}` of the server as a list. */
export function itemsOf<T>(asked: Asked<{ items?: T[] | null }>): Asked<T[]> {
  const { value, ...rest } = asked;
  return value ? { ...rest, value: value.items ?? [] } : rest;
}
