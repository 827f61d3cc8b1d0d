import { useEffect, useState } from "preact/hooks";
import type { Tree } from "../model/tree";
import { api, ApiError } from "../net/client";
import { awake } from "../net/awake";
import { lines } from "../net/lines";

export interface Grown {
  tree?: Tree;
  error?: ApiError;
}

const PAUSE = 5_000;

/** The tree of an application, kept up with its stream; what is known stays while the server is away. */
export function useTree(namespace: string, name: string): Grown {
  const [grown, grow] = useState<Grown>({});
  const looking = awake.value;
  useEffect(() => {
    if (!looking) return undefined;
    const stopped = new AbortController();
    const { signal } = stopped;
    const query = { appNamespace: namespace };
    const follow = async () => {
      while (!signal.aborted) {
        try {
          const path = encodeURIComponent(name);
          grow({ tree: await api<Tree>(`/v1/applications/${path}/resource-tree`, { query, signal }) });
          for await (const tree of lines<Tree>(`/v1/stream/applications/${path}/resource-tree`, { query, signal })) grow({ tree });
        } catch (error) {
          if (signal.aborted) return;
          const told = error instanceof ApiError ? error : new ApiError(0, "The server sent what is no answer");
          grow((before) => ({ ...before, error: told }));
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    };
    void follow();
    return () => stopped.abort();
  }, [namespace, name, looking]);
  return grown;
}
