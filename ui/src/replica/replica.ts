/**
 * The one copy of the applications that all pages read: a list, then the stream of changes, for as long as the page is
 * open. When the connection is lost what is known stays, its age is told, and the stream is gone on with from its token;
 * where the server does not have that place any more, the list is read again.
 */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { type Application, clusterOf, isAutomated, keyOf, revisionOf, sourcesOf } from "../model/application";
import type { Facts } from "../filter/grammar";
import { changeOf, type LastChange } from "../model/changed";
import { ApiError } from "../net/client";
import { causeOf } from "../words/cause";
import { type Reason, reasonOf } from "../words/reason";
import { type State, stateOf } from "../words/state";

export interface Row {
  key: string;
  name: string;
  namespace: string;
  project: string;
  cluster: string;
  destination: string;
  state: State;
  reason: Reason;
  revision: string;
  automated: boolean;
  /** Objects that differ from Git. */
  drift: number;
  /** The commit that changed it last, where the engine says which. */
  change: LastChange | undefined;
  facts: Facts;
  app: Application;
}

export interface Change {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  application: Application;
  /** The place in the stream after this one; empty where there is none. */
  token?: string;
}

/** Where a stream begins: after a list of a version, or at a place that it had. */
export type From = { version: string } | { token: string };

export interface Upstream {
  list(signal: AbortSignal): Promise<{ items: Application[]; version: string }>;
  /** `heard` is called whenever the server says anything, if only that nothing changes. */
  watch(from: From, signal: AbortSignal, heard: () => void): AsyncIterable<Change>;
  /** Wait so many milliseconds, or until it is aborted. */
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
  now(): number;
}

/** `stale`: what is shown is of `heard`, and the server is being tried. `refused`: it answered, and said no. */
export type Standing =
  | { is: "loading" }
  | { is: "live" }
  | { is: "stale"; why: string }
  | { is: "refused"; why: string; forbidden: boolean; unauthenticated: boolean };

/** Pauses between tries, in milliseconds; the last one for ever. */
const PAUSES = [500, 1_000, 2_000, 5_000, 10_000];

export class Replica {
  readonly #rows = signal<ReadonlyMap<string, Row>>(new Map());
  readonly #standing = signal<Standing>({ is: "loading" });
  /** When the server last said anything; 0 before it did. */
  readonly heard = signal(0);
  readonly rows: ReadonlySignal<ReadonlyMap<string, Row>> = computed(() => this.#rows.value);
  readonly standing: ReadonlySignal<Standing> = computed(() => this.#standing.value);

  #running: AbortController | undefined;
  #pending: Change[] = [];
  #due = false;
  /** The place in the stream up to which the rows are; empty where the list has to be read. */
  #token = "";

  constructor(
    readonly upstream: Upstream,
    /** Calls once, soon: changes that come together are shown together. */
    readonly soon: (flush: () => void) => void,
  ) {}

  start(): void {
    if (this.#running) return;
    this.#running = new AbortController();
    void this.#follow(this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  /** Try again now instead of after the pause, with a list: somebody else may be signed in. */
  again(): void {
    this.stop();
    this.#token = "";
    this.start();
  }

  /** Show what a person has just caused before the stream tells it. Returns what takes it back. */
  assume(key: string, change: (app: Application) => Application): () => void {
    const before = this.#rows.value.get(key);
    if (!before) return () => undefined;
    this.#put(change(before.app));
    const shown = this.#rows.value.get(key);
    return () => {
      if (this.#rows.value.get(key) === shown) this.#put(before.app);
    };
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (let tries = 0; !signal.aborted; ) {
      const begun = this.upstream.now();
      try {
        const heard = () => {
          if (!signal.aborted) this.#live();
        };
        for await (const change of this.upstream.watch(await this.#begin(signal), signal, heard)) {
          if (signal.aborted) return;
          if (change.type === "ERROR") break;
          heard();
          if (change.type !== "BOOKMARK") this.#note(change);
          this.#token = change.token ?? "";
        }
        if (signal.aborted) return;
        this.#lost("The stream of changes ended");
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && error.outdated && this.#token) {
          this.#token = "";
          continue;
        }
        if (!(error instanceof ApiError)) this.#lost("The server sent what is no answer");
        else if (error.forbidden || error.unauthenticated) {
          const { forbidden, unauthenticated } = error;
          this.#standing.value = { is: "refused", why: error.message, forbidden, unauthenticated };
          if (unauthenticated) return this.stop();
        } else this.#lost(error.message);
      }
      // A stream that held for a while was a good one: begin with short pauses again.
      if (this.upstream.now() - begun > 30_000) tries = 0;
      await this.upstream.pause(PAUSES[Math.min(tries++, PAUSES.length - 1)] as number, signal);
    }
  }

  /** Where the stream goes on, or what a list of now says. */
  async #begin(signal: AbortSignal): Promise<From> {
    if (this.#token) return { token: this.#token };
    const { items, version } = await this.upstream.list(signal);
    if (!signal.aborted) {
      this.#pending = [];
      this.#replace(items);
    }
    return { version };
  }

  #live(): void {
    this.heard.value = this.upstream.now();
    if (this.#standing.value.is !== "live") this.#standing.value = { is: "live" };
  }

  #lost(why: string): void {
    this.#standing.value = { is: "stale", why };
  }

  #replace(items: Application[]): void {
    const before = this.#rows.value;
    const next = new Map<string, Row>();
    for (const app of items) {
      const key = keyOf(app);
      const known = before.get(key);
      // The same object stays the same row: nothing is drawn for it again.
      const version = app.metadata.resourceVersion;
      next.set(key, known && version && known.app.metadata.resourceVersion === version ? known : rowOf(app));
    }
    this.#rows.value = next;
    this.#live();
  }

  #note(change: Change): void {
    this.#pending.push(change);
    if (this.#due) return;
    this.#due = true;
    this.soon(() => {
      this.#due = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#pending.length) return;
    const next = new Map(this.#rows.value);
    // Of several changes of one application the last is what is true.
    const latest = new Map(this.#pending.map((change) => [keyOf(change.application), change]));
    this.#pending = [];
    for (const [key, { type, application }] of latest) {
      if (type === "DELETED") next.delete(key);
      else next.set(key, rowOf(application));
    }
    this.#rows.value = next;
  }

  #put(app: Application): void {
    this.#rows.value = new Map(this.#rows.value).set(keyOf(app), rowOf(app));
  }
}

export function rowOf(app: Application): Row {
  const state = stateOf(app);
  const { name, namespace = "", labels = {} } = app.metadata;
  const project = app.spec?.project || "default";
  const cluster = clusterOf(app);
  const destination = app.spec?.destination?.namespace ?? "";
  const automated = isAutomated(app);
  const repo = sourcesOf(app)[0]?.repoURL ?? "";
  const reason = reasonOf(app, state);
  return {
    key: keyOf(app),
    name,
    namespace,
    project,
    cluster,
    destination,
    state,
    reason,
    revision: revisionOf(app),
    automated,
    change: changeOf(app),
    drift: (app.status?.resources ?? []).filter((one) => one.status === "OutOfSync").length,
    facts: {
      text: `${namespace}/${name} ${project} ${cluster} ${destination} ${reason.sentence} ${reason.detail}`,
      project,
      cluster,
      ns: destination,
      labels,
      health: app.status?.health?.status || "Unknown",
      sync: app.status?.sync?.status || "Unknown",
      auto: automated ? "yes" : "no",
      state: state.word,
      repo,
      cause: causeOf(app, state)?.id ?? "",
      fav: "no",
    },
    app,
  };
}

/**
 * An order that nothing jumps in: while somebody points at the list, rows stay where they are, what is new comes at the
 * end, and what is gone goes.
 */
export function steady(shown: readonly string[], fresh: readonly string[], held: boolean): readonly string[] {
  if (!held) return fresh;
  const there = new Set(fresh);
  const kept = shown.filter((key) => there.has(key));
  const known = new Set(kept);
  return [...kept, ...fresh.filter((key) => !known.has(key))];
}
