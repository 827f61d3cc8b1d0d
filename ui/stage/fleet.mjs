/** A fleet made up for looking at the pages: every state, every length of text, and a hostile application. */

const MINUTE = 60_000;
const ago = (minutes) => new Date(Date.now() - minutes * MINUTE).toISOString().replace(/\.\d+Z/, "Z");
const sha = (seed) => {
  let value = 2166136261 ^ seed;
  let text = "";
  while (text.length < 40) {
    value = Math.imul(value ^ (value >>> 13), 16777619) + 0x9e3779b9;
    text += (value >>> 0).toString(16).padStart(8, "0");
  }
  return text.slice(0, 40);
};

const HOSTILE = '<img src=x onerror="document.title=1">\u202egnp.exe\u001b[31mred\u0007';

export const COMMITS = [
  ["Ada Byron <ada@example.com>", "Raise web to 1.9"],
  ["Grace H. <grace@example.com>", "Lower the retry limit\n\nLonger text that nobody sees here."],
  ["renovate", "Cache pictures for a day"],
  ["Alan T. <alan@example.com>", "Index by locale, so that a search in another language finds what was meant"],
];

let version = 100;

function application(name, { project = "shop", namespace = "argocd", dest = name, cluster = "eu-west", sync = "Synced", health = "Healthy", since = 60 * 24 * 2, resources, automated = true, ...rest } = {}) {
  const revision = sha(name.length * 31 + name.charCodeAt(0));
  const status = { sync: { status: sync, revision }, health: { status: health, lastTransitionTime: ago(since) }, ...rest.status };
  return {
    metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: String(version++), creationTimestamp: ago(60 * 24 * 30), labels: { team: project === "shop" ? "web" : "platform" }, ...rest.metadata },
    spec: {
      project,
      source: { repoURL: `https://git.example.com/${project}/deploy.git`, path: `apps/${name}`, targetRevision: "main", ...rest.source },
      destination: { name: cluster, namespace: dest },
      syncPolicy: automated ? { automated: { prune: true, selfHeal: true }, syncOptions: ["CreateNamespace=true"] } : {},
    },
    status: {
      sourceType: "Kustomize",
      reconciledAt: ago(1),
      conditions: [],
      operationState: { phase: "Succeeded", message: "successfully synced (all tasks run)", startedAt: ago(since + 1), finishedAt: ago(since), operation: { initiatedBy: { automated } }, syncResult: { revision, resources: [] } },
      history: [
        { id: 3, revision: sha(77), deployedAt: ago(since + 60 * 24 * 5), initiatedBy: { automated: true }, source: {} },
        { id: 4, revision: sha(78), deployedAt: ago(since + 60 * 24), initiatedBy: { username: "ada" }, source: {} },
        { id: 5, revision, deployedAt: ago(since), initiatedBy: { automated: true }, source: {} },
      ],
      resources: resources ?? [
        { version: "v1", kind: "ConfigMap", namespace: dest, name, status: "Synced" },
        { version: "v1", kind: "Service", namespace: dest, name, status: "Synced", health: { status: "Healthy" } },
        { group: "apps", version: "v1", kind: "Deployment", namespace: dest, name, status: "Synced", health: { status: "Healthy" }, syncWave: 1 },
      ],
      summary: { images: [`registry.example.com/${name}:1.4`] },
      ...status,
    },
  };
}

const pull = (name) => [
  { version: "v1", kind: "ConfigMap", namespace: name, name, status: "Synced" },
  { version: "v1", kind: "Secret", namespace: name, name: `${name}-tls`, status: "Synced" },
  ...["limits", "features", "mail", "theme"].map((one) => ({ version: "v1", kind: "ConfigMap", namespace: name, name: `${name}-${one}`, status: "Synced" })),
  { version: "v1", kind: "Service", namespace: name, name, status: "Synced", health: { status: "Healthy" } },
  { group: "apps", version: "v1", kind: "Deployment", namespace: name, name, status: "Synced", syncWave: 1, health: { status: "Degraded", message: 'Back-off pulling image "registry.example.com/web:1.9"' } },
  { group: "networking.k8s.io", version: "v1", kind: "Ingress", namespace: name, name, status: "Synced", syncWave: 1, health: { status: "Healthy" } },
];

export function made(size = 60) {
  const list = [
    application("web", { health: "Degraded", since: 6, resources: pull("web") }),
    application("web-canary", { health: "Degraded", since: 5, resources: pull("web-canary"), cluster: "us-east" }),
    application("web-admin", { health: "Degraded", since: 6, resources: pull("web-admin") }),
    application("checkout", {
      sync: "OutOfSync",
      automated: false,
      resources: [
        { version: "v1", kind: "ConfigMap", namespace: "checkout", name: "limits", status: "OutOfSync" },
        { group: "apps", version: "v1", kind: "Deployment", namespace: "checkout", name: "api", status: "OutOfSync", health: { status: "Healthy" } },
        { version: "v1", kind: "Service", namespace: "checkout", name: "old", status: "OutOfSync", requiresPruning: true },
      ],
    }),
    application("search", {
      health: "Progressing",
      since: 1,
      resources: [{ group: "apps", version: "v1", kind: "StatefulSet", namespace: "search", name: "index", status: "Synced", syncWave: 2, health: { status: "Progressing", message: "Waiting for 1 pods to be ready: 4 of 6 are new" } }],
    }),
    application("payments", { health: "Suspended", since: 60 * 14, resources: [{ group: "argoproj.io", version: "v1alpha1", kind: "Rollout", namespace: "payments", name: "payments", status: "Synced", health: { status: "Suspended", message: "CanaryPauseStep" } }] }),
    application("ledger", {
      project: "bank",
      sync: "OutOfSync",
      status: {
        operationState: {
          phase: "Failed",
          message: "one or more objects failed to apply",
          startedAt: ago(31),
          finishedAt: ago(30),
          retryCount: 4,
          operation: { initiatedBy: { automated: true } },
          syncResult: { revision: sha("ledger".length * 31 + "l".charCodeAt(0)), resources: [{ group: "batch", version: "v1", kind: "Job", namespace: "ledger", name: "migrate", hookType: "PreSync", hookPhase: "Failed", message: "Job has reached the specified backoff limit" }] },
        },
      },
    }),
    application("reports", {
      project: "bank",
      sync: "Unknown",
      status: { conditions: [{ type: "ComparisonError", message: "https://git.example.com/bank/deploy.git cannot be read: connection refused", lastTransitionTime: ago(12) }] },
    }),
    application("statements", {
      project: "bank",
      sync: "Unknown",
      status: { conditions: [{ type: "ComparisonError", message: "https://git.example.com/bank/deploy.git cannot be read: connection refused", lastTransitionTime: ago(11) }] },
    }),
    application("old-shop", { metadata: { deletionTimestamp: ago(4), finalizers: ["resources-finalizer.argocd.argoproj.io"] } }),
    application("fresh", { project: "bank", health: "Missing", sync: "OutOfSync", automated: false, resources: [{ group: "apps", version: "v1", kind: "Deployment", namespace: "fresh", name: "fresh", status: "OutOfSync", health: { status: "Missing" } }] }),
    application("hostile", {
      project: "default",
      health: "Degraded",
      since: 90,
      metadata: { labels: { [HOSTILE.slice(0, 20)]: HOSTILE } },
      source: { path: HOSTILE, repoURL: "javascript:alert(1)" },
      resources: [{ version: "v1", kind: HOSTILE, namespace: "hostile", name: HOSTILE, status: "OutOfSync", health: { status: "Degraded", message: `${HOSTILE} ${"x".repeat(200_000)}` } }],
    }),
  ];
  const child = (name) => ({ group: "argoproj.io", version: "v1alpha1", kind: "Application", namespace: "argocd", name, status: "Synced", health: { status: "Healthy" } });
  list.push(application("platform", { project: "default", resources: ["shop-apps"].map(child) }), application("shop-apps", { project: "default", resources: ["web", "checkout", "search", "payments"].map(child) }));
  const names = ["catalogue", "mail", "images", "pricing", "stock", "reviews", "login", "profile", "orders", "shipping", "tax", "fraud", "metrics", "events", "queue", "cache"];
  for (let at = list.length; at < size; at++) {
    const name = at - 14 < names.length ? names[at - 14] : `${names[at % names.length]}-${at}`;
    list.push(application(name, { cluster: at % 3 ? "eu-west" : "us-east", project: at % 5 ? "shop" : "bank", since: 60 * 24 * (1 + (at % 20)), status: at % 41 === 0 ? { health: { status: "Progressing", lastTransitionTime: ago(2) } } : {} }));
  }
  return list;
}

export { ago, HOSTILE, sha };
