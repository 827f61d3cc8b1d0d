import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Application } from "../model/application";
import { ApiError } from "../net/client";
import { type Change, type From, Replica, steady, type Upstream } from "./replica";

const app = (name: string, version: number, health = "Healthy"): Application => ({
  metadata: { name, namespace: "argocd", resourceVersion: String(version) },
  status: { sync: { status: "Synced" }, health: { status: health } },
});

/** A server whose lists and streams a test decides, one step after the other. */
class Server implements Upstream {
  lists: (Application[] | Error)[] = [];
  streams: (Change | Error)[][] = [];
  pauses: number[] = [];
  time = 0;
  asked = 0;
  begun: From[] = [];
  #resume: (() => void)[] = [];

  async list() {
    this.asked++;
    const told = this.lists.shift() ?? [];
    if (told instanceof Error) throw told;
    return { items: told, version: "1" };
  }

  async *watch(from: From, _signal?: AbortSignal, heard?: () => void): AsyncGenerator<Change> {
    this.begun.push(from);
    const first = this.streams[0]?.[0];
    if (!(first instanceof Error)) heard?.();
    for (const told of this.streams.shift() ?? []) {
      if (told instanceof Error) throw told;
      yield told;
    }
  }

  pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    this.pauses.push(milliseconds);
    return new Promise((resolve) => {
      this.#resume.push(resolve);
      signal.addEventListener("abort", () => resolve());
    });
  }

  now() {
    return this.time;
  }

  goOn(): void {
    for (const resume of this.#resume.splice(0)) resume();
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

async function started(server: Server): Promise<Replica> {
  const replica = new Replica(server, (flush) => flush());
  replica.start();
  await settled();
  return replica;
}

const names = (replica: Replica) => [...replica.rows.value.keys()].sort();

describe("the replica", () => {
  it("is the list with the changes applied, in whatever order they come and however they are put together", async () => {
    const change = fc.record({ type: fc.constantFrom<Change["type"]>("ADDED", "MODIFIED", "DELETED", "BOOKMARK"), name: fc.constantFrom("a", "b", "c", "d"), health: fc.constantFrom("Healthy", "Degraded") });
    await fc.assert(
      fc.asyncProperty(fc.array(change), fc.boolean(), async (changes, together) => {
        const server = new Server();
        server.lists = [[app("a", 1), app("b", 1)]];
        server.streams = [changes.map(({ type, name, health }, at) => ({ type, application: app(name, at + 2, health) }))];
        const waiting: (() => void)[] = [];
        const replica = new Replica(server, together ? (flush) => waiting.push(flush) : (flush) => flush());
        replica.start();
        await settled();
        waiting.forEach((flush) => flush());
        const expected = new Map([["argocd/a", "Healthy"], ["argocd/b", "Healthy"]]);
        for (const { type, name, health } of changes) {
          if (type === "DELETED") expected.delete(`argocd/${name}`);
          else if (type !== "BOOKMARK") expected.set(`argocd/${name}`, health);
        }
        expect(new Map([...replica.rows.value].map(([key, row]) => [key, row.facts.health]))).toEqual(expected);
        replica.stop();
      }),
      { numRuns: 40 },
    );
  });

  it("keeps what it knows while the server is away, says so, and lists again", async () => {
    const server = new Server();
    server.lists = [[app("a", 1)], new ApiError(0, "The server cannot be reached"), [app("b", 2)]];
    const replica = await started(server);
    expect([names(replica), replica.standing.value]).toEqual([["argocd/a"], { is: "stale", why: "The stream of changes ended" }]);
    server.goOn();
    await settled();
    expect([names(replica), replica.standing.value]).toEqual([["argocd/a"], { is: "stale", why: "The server cannot be reached" }]);
    server.goOn();
    await settled();
    expect(names(replica)).toEqual(["argocd/b"]);
    expect(server.pauses).toEqual([500, 1_000, 2_000]);
    replica.stop();
  });

  it("goes on from its token where it was cut off, and lists again where the server has forgotten the place", async () => {
    const server = new Server();
    server.lists = [[app("a", 1)], [app("c", 9)]];
    const told = (name: string, token: string): Change => ({ type: "ADDED", application: app(name, 2), token });
    server.streams = [[told("b", "e.1"), new ApiError(0, "The connection was lost")], [], [new ApiError(409, "list again", 10)]];
    const replica = await started(server);
    expect([names(replica), replica.standing.value.is]).toEqual([["argocd/a", "argocd/b"], "stale"]);
    server.goOn();
    await settled();
    expect([server.asked, server.begun[1]]).toEqual([1, { token: "e.1" }]);
    server.goOn();
    await settled();
    expect(server.begun.slice(2)).toEqual([{ token: "e.1" }, { version: "1" }]);
    expect(names(replica)).toEqual(["argocd/c"]);
    replica.stop();
  });

  it("is live again as soon as the server says anything, without a change; who signs in anew begins with a list", async () => {
    const server = new Server();
    server.lists = [[app("a", 1)], [app("b", 1)]];
    server.streams = [[{ type: "MODIFIED", application: app("a", 2), token: "e.1" }]];
    const replica = await started(server);
    let end = () => undefined as void;
    server.watch = async function* (from: From, _signal?: AbortSignal, heard?: () => void) {
      server.begun.push(from);
      heard?.();
      await new Promise<void>((resolve) => (end = resolve));
    };
    server.goOn();
    await settled();
    expect([replica.standing.value, server.begun[1]]).toEqual([{ is: "live" }, { token: "e.1" }]);
    replica.again();
    await settled();
    expect([names(replica), server.begun[2]]).toEqual([["argocd/b"], { version: "1" }]);
    end();
    replica.stop();
  });

  it("begins with short pauses again after a stream that held", async () => {
    const server = new Server();
    server.lists = [new ApiError(0, "away"), new ApiError(0, "away"), []];
    const replica = await started(server);
    server.goOn();
    await settled();
    server.watch = async function* () {
      server.time += 60_000;
    };
    server.goOn();
    await settled();
    expect(server.pauses).toEqual([500, 1_000, 500]);
    replica.stop();
  });

  it("who is not signed in is asked no more; who may not see is told, and tried again", async () => {
    const server = new Server();
    server.lists = [new ApiError(401, "no session", 16)];
    const replica = await started(server);
    expect(replica.standing.value).toEqual({ is: "refused", why: "no session", forbidden: false, unauthenticated: true });
    expect(server.pauses).toEqual([]);
    const other = new Server();
    other.lists = [new ApiError(403, "permission denied", 7), [app("a", 1)]];
    const second = await started(other);
    expect(second.standing.value).toMatchObject({ is: "refused", forbidden: true });
    other.goOn();
    await settled();
    expect(names(second)).toEqual(["argocd/a"]);
    second.stop();
  });

  it("an object of the same version stays the same row", async () => {
    const server = new Server();
    server.lists = [[app("a", 1)], [app("a", 1), app("b", 1)]];
    const replica = await started(server);
    const row = replica.rows.value.get("argocd/a");
    server.goOn();
    await settled();
    expect(replica.rows.value.get("argocd/a")).toBe(row);
    replica.stop();
  });

  it("takes back what it assumed, but not over what the server has told since", async () => {
    const server = new Server();
    server.lists = [[app("a", 1), app("b", 1)]];
    const replica = await started(server);
    const degraded = (one: Application) => app(one.metadata.name, 1, "Degraded");
    const [backA, backB] = [replica.assume("argocd/a", degraded), replica.assume("argocd/b", degraded)];
    expect(replica.rows.value.get("argocd/a")?.state.word).toBe("Degraded");
    backA();
    expect(replica.rows.value.get("argocd/a")?.state.word).toBe("Healthy");
    server.lists = [[app("b", 5, "Progressing")]];
    server.goOn();
    await settled();
    backB();
    expect(replica.rows.value.get("argocd/b")?.state.word).toBe("Progressing");
    replica.stop();
  });
});

describe("an order that nothing jumps in", () => {
  const keys = fc.uniqueArray(fc.constantFrom(..."abcdefgh"));
  it("shows what is there, each once; held, what stays keeps its order", () => {
    fc.assert(
      fc.property(keys, keys, fc.boolean(), (shown, fresh, held) => {
        const order = steady(shown, fresh, held);
        expect([...order].sort()).toEqual([...fresh].sort());
        const stayed = shown.filter((key) => fresh.includes(key));
        if (held) expect(order.slice(0, stayed.length)).toEqual(stayed);
        else expect(order).toEqual(fresh);
      }),
    );
  });
});
