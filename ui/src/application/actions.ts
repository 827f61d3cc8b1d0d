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

/** @returns what was made, as the server has it. */
export async function create(app: Application): Promise<Application> {
  return api<Application>("/v1/applications", { method: "POST", query: { validate: true }, body: app });
}

export async function updateSpec(row: Named, spec: NonNullable<Application["spec"]>): Promise<void> {
  await api(at(row, "/spec"), { method: "PUT", query: { appNamespace: row.namespace, validate: true }, body: spec });
}

/** Automation on or off. It shows at once, and is taken back when the server refuses. */
export async function automate(row: Named, on: boolean): Promise<void> {
  const back = fleet.assume(row.key, (app) => ({ ...app, spec: { ...app.spec, syncPolicy: { ...app.spec?.syncPolicy, automated: { ...app.spec?.syncPolicy?.automated, enabled: on } } } }));
  const patch = JSON.stringify({ spec: { syncPolicy: { automated: { enabled: on ? null : false } } } });
  try {
    await api(at(row), { method: "PATCH", body: { name: row.name, appNamespace: row.namespace, patch, patchType: "merge" } });
  } catch (error) {
    back();
    throw error;
  }
}

/** What becomes of an application's objects when it is deleted. */
export type Cascade = "foreground" | "background" | "orphan";

export async function remove(row: Named, cascade: Cascade): Promise<void> {
  const how = cascade === "orphan" ? { cascade: false } : { cascade: true, propagationPolicy: cascade };
  await api(at(row), { method: "DELETE", query: { appNamespace: row.namespace, ...how } });
}

export async function terminate(row: Named): Promise<void> {
  await api(at(row, "/operation"), { method: "DELETE", query: { appNamespace: row.namespace } });
}

export async function rollback(row: Named, id: number, prune: boolean): Promise<void> {
  await api(at(row, "/rollback"), { method: "POST", body: { name: row.name, appNamespace: row.namespace, id, prune } });
}
