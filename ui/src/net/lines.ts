/** A stream of the server: one JSON object a line, `{"result": …}` or `{"error": …}` at its end. */

import { type Ask, ApiError, ask } from "./client";

/** The longest line that is read; one of an application with 10 MB of annotations is not taken apart in the page. */
const LONGEST = 32 * 1024 * 1024;

export async function* lines<T>(path: string, how: Ask = {}): AsyncGenerator<T> {
  const answer = await ask(path, how);
  if (!answer.body) return;
  for await (const line of split(answer.body)) {
    const told = JSON.parse(line) as { result?: T; error?: { message?: string; http_code?: number; grpc_code?: number } };
    if (told.error) throw new ApiError(told.error.http_code ?? 500, told.error.message ?? "the stream ended", told.error.grpc_code);
    if (told.result !== undefined) yield told.result;
  }
}

/** Lines of a body, wherever its pieces are cut. */
export async function* split(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
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
