import { under } from "./base";

/** What the server answered instead: its status, its code and its words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code = 0,
  ) {
    super(message);
  }

  get forbidden(): boolean {
    return this.status === 403 || this.code === 7;
  }

  /** The place in a stream is one that the server does not have any more: it is to be listed again. */
  get outdated(): boolean {
    return this.code === 10;
  }

  /** The method is none that this server has. */
  get unbuilt(): boolean {
    return this.status === 501 || this.code === 12;
  }

  get unauthenticated(): boolean {
    return this.status === 401 || this.code === 16;
  }
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface Ask {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export function url(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return under(`/api${path}${text ? `?${text}` : ""}`);
}

/**
 * Ask the API server.
 *
 * @throws ApiError when it refuses, with status 0 when it cannot be reached.
 */
export async function ask(path: string, { method = "GET", query, body, headers = {}, signal }: Ask = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url(path, query), {
      method,
      credentials: "same-origin",
      cache: "no-store",
      // Whatever changes something says so, with a body or without: the server takes it from no page of another site.
      headers: method === "GET" ? headers : { ...headers, "Content-Type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The server cannot be reached");
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

export async function api<T>(path: string, how: Ask = {}): Promise<T> {
  const answer = await ask(path, how);
  try {
    return (await answer.json()) as T;
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw new ApiError(answer.status, "The server's answer is not JSON: is another server in its place?");
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  const text = await answer.text().catch(() => "");
  try {
    const told = JSON.parse(text) as { message?: string; error?: string; code?: number };
    return new ApiError(answer.status, told.message || told.error || answer.statusText, told.code);
  } catch {
    return new ApiError(answer.status, `${answer.status} ${answer.statusText}`.trim());
  }
}
