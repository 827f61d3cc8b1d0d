/** A stream of the server, as events (SSE): `id:` with the place in it, `data:` with `{"result": …}`, or `{"error": …}` at its end. */

import { type Ask, ApiError, ask } from "./client";

/** The longest line that is read; one of an application with 10 MB of annotations is not taken apart in the page. */
const LONGEST = 32 * 1024 * 1024;
/** A quiet stream says something every fifteen seconds: who hears nothing for three times as long is cut off, and no network says so. */
const QUIET = 45_000;

export interface Told<T> {
  value: T;
  /** Where it is gone on from; empty where the stream has no such place yet. */
  token: string;
}

export interface Going {
  /** Where it is gone on from. */
  token?: string;
  /** The server has said something, if only that there is nothing to say. */
  heard?: () => void;
}

/**
 * Follow a stream, from a token on where there is one.
 *
 * @throws ApiError when it is refused, broken or ended with an error.
 */
export async function* events<T>(path: string, how: Ask = {}, { token = "", heard: told }: Going = {}): AsyncGenerator<Told<T>> {
  const cut = new AbortController();
  const stop = () => cut.abort();
  how.signal?.addEventListener("abort", stop);
  let watch: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(watch);
    watch = setTimeout(stop, QUIET);
    told?.();
  };
  try {
    if (how.signal?.aborted) stop();
    const headers = { Accept: "text/event-stream", ...(token ? { "Last-Event-ID": token } : {}) };
    const answer = await ask(path, { ...how, headers, signal: cut.signal });
    if (!answer.body) return;
    heard();
    let place = token;
    for await (const line of split(answer.body, heard)) {
      if (line.startsWith("id:")) place = line.slice(3).trim();
      if (!line.startsWith("data:")) continue;
      const { result, error } = JSON.parse(line.slice(5)) as { result?: T; error?: { message?: string; http_code?: number; grpc_code?: number } };
      if (error) throw new ApiError(error.http_code ?? 500, error.message ?? "the stream ended", error.grpc_code);
      if (result !== undefined) yield { value: result, token: place };
    }
  } catch (error) {
    if (cut.signal.aborted && !how.signal?.aborted) throw new ApiError(0, "The server has said nothing for a while");
    throw error;
  } finally {
    clearTimeout(watch);
    how.signal?.removeEventListener("abort", stop);
  }
}

/** The same without places. */
export async function* lines<T>(path: string, how: Ask = {}): AsyncGenerator<T> {
  for await (const { value } of events<T>(path, how)) yield value;
}

/** Lines of a body that are not blank, wherever its pieces are cut. */
export async function* split(body: ReadableStream<Uint8Array>, heard: () => void = () => undefined): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest: string[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw error instanceof TypeError ? new ApiError(0, "The connection was lost") : error;
      });
      if (done) break;
      heard();
      const pieces = decoder.decode(value, { stream: true }).split("\n");
      const last = pieces.pop() ?? "";
      for (const piece of pieces) {
        const line = rest.length ? rest.join("") + piece : piece;
        rest = [];
        length = 0;
        if (line.trim()) yield line;
      }
      if (last) rest.push(last);
      length += last.length;
      if (length > LONGEST) throw new ApiError(0, "The server sends a line without an end");
    }
    const line = rest.join("") + decoder.decode();
    if (line.trim()) yield line;
  } finally {
    // Who stops reading lets the server know.
    await reader.cancel().catch(() => undefined);
  }
}
