/** What the pages read of Argo CD's answers: the fields by their names there, and no others. */

export interface Meta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { kind?: string; name?: string }[];
}

export interface Source {
  repoURL?: string;
  path?: string;
  chart?: string;
  targetRevision?: string;
  ref?: string;
  helm?: {
    parameters?: { name?: string; value?: string; forceString?: boolean }[];
    values?: string;
    valuesObject?: Record<string, unknown>;
    valueFiles?: string[];
  };
  kustomize?: { images?: string[]; replicas?: { name?: string; count?: number | string }[]; namePrefix?: string; nameSuffix?: string };
}

export interface Health {
  status?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface ObjectRef {
  group?: string;
  version?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
}

export interface ResourceStatus extends ObjectRef {
  status?: string;
  health?: Health;
  hook?: boolean;
  requiresPruning?: boolean;
  syncWave?: number | string;
}

export interface ResourceResult extends ObjectRef {
  status?: string;
  message?: string;
  hookType?: string;
  hookPhase?: string;
  syncPhase?: string;
}

export interface Initiator {
  username?: string;
  automated?: boolean;
}

export interface OperationState {
  phase?: string;
  message?: string;
  startedAt?: string;
  finishedAt?: string;
  retryCount?: number | string;
  operation?: { initiatedBy?: Initiator; sync?: { revision?: string; revisions?: string[]; dryRun?: boolean; resources?: ObjectRef[] } };
  syncResult?: { revision?: string; revisions?: string[]; resources?: ResourceResult[] };
}

export interface HistoryEntry {
  id?: number | string;
  revision?: string;
  revisions?: string[];
  deployedAt?: string;
  deployStartedAt?: string;
  initiatedBy?: Initiator;
  source?: Source;
  sources?: Source[];
}

export interface Condition {
  type?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface Application {
  metadata: Meta;
  spec?: {
    project?: string;
    source?: Source;
    sources?: Source[];
    destination?: { server?: string; name?: string; namespace?: string };
    syncPolicy?: {
      automated?: { prune?: boolean; selfHeal?: boolean; enabled?: boolean };
      syncOptions?: string[];
    };
  };
  operation?: unknown;
  status?: {
    sync?: { status?: string; revision?: string; revisions?: string[] };
    health?: Health;
    conditions?: Condition[];
    operationState?: OperationState;
    history?: HistoryEntry[];
    resources?: ResourceStatus[];
    reconciledAt?: string;
    sourceType?: string;
    sourceTypes?: string[];
    summary?: { images?: string[]; externalURLs?: string[] };
  };
}

export const keyOf = (app: Application): string => `${app.metadata.namespace ?? ""}/${app.metadata.name}`;

export const sourcesOf = (app: Application): Source[] =>
  app.spec?.sources?.length ? app.spec.sources : app.spec?.source ? [app.spec.source] : [];

export const revisionOf = (app: Application): string =>
  app.status?.sync?.revision || app.status?.sync?.revisions?.find(Boolean) || "";

export const clusterOf = (app: Application): string =>
  app.spec?.destination?.name || inCluster(app.spec?.destination?.server ?? "");

export const isAutomated = (app: Application): boolean =>
  !!app.spec?.syncPolicy?.automated && app.spec.syncPolicy.automated.enabled !== false;

/** Argo CD's own name for the cluster that it runs in. */
function inCluster(server: string): string {
  return server === "https://kubernetes.default.svc" ? "in-cluster" : server.replace(/^https?:\/\//, "");
}

export const objectName = (ref: ObjectRef): string =>
  ref.namespace ? `${ref.namespace}/${ref.name ?? ""}` : (ref.name ?? "");
