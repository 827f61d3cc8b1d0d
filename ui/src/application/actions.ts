/** What a person can do with an application. Each rejects with the server's words. */

import type { Application, ObjectRef } from "../model/application";
import { api } from "../net/client";
import { fleet } from "../replica/fleet";

interface Named {
  name: string;
  namespace: string;
  key: string;
}

export interface SyncChoice {
  prune?: boolean;
  dryRun?: boolean;
  force?: boolean;
  resources?: ObjectRef[];
}

const at = (row: Named, rest = ""): string => `/v1/applications/${encodeURIComponent(row.name)}${rest}`;

export async function refresh(row: Named, hard = false): Promise<void> {
  await api(at(row), { query: { refresh: hard ? "hard" : "normal", appNamespace: row.namespace } });
}

/** Ask for a sync. It shows at once, and is taken back when the server refuses. */
export async function sync(row: Named, { prune = false, dryRun = false, force = false, resources }: SyncChoice): Promise<void> {
  const back = dryRun ? () => undefined : fleet.assume(row.key, asked);
  try {
    await api(at(row, "/sync"), {
      method: "POST",
      body: {
        name: row.name,
        appNamespace: row.namespace,
        prune,
        dryRun,
        // The field's default: apply, then hooks.
        strategy: { hook: { force } },
        ...(resources?.length ? { resources: resources.map(({ group = "", kind, name, namespace }) => ({ group, kind, name, namespace })) } : {}),
      },
    });
  } catch (error) {
    back();
    throw error;
  }
}

function asked(app: Application): Application {
  const operationState = { phase: "Running", message: "Sync asked for, waiting for the engine", startedAt: new Date().toISOString() };
  return { ...app, status: { ...app.status, operationState } };
}

export async function terminate(row: Named): Promise<void> {
  await api(at(row, "/operation"), { method: "DELETE", query: { appNamespace: row.namespace } });
}

export async function rollback(row: Named, id: number, prune: boolean): Promise<void> {
  await api(at(row, "/rollback"), { method: "POST", body: { name: row.name, appNamespace: row.namespace, id, prune } });
}
