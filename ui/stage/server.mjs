/**
 * The built pages over a fleet made up: for looking at every page and state without a cluster. The server's own tests
 * use the server. `node stage/server.mjs PORT [APPLICATIONS] [CHANGES A SECOND]`; the cookie `stage` is one of
 * loading, empty, forbidden, stale, signedout.
 */

import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, resolve } from "node:path";
import { ago, COMMITS, HOSTILE, made, sha } from "./fleet.mjs";

const UI = resolve(import.meta.dirname, "../../packages/trueup/src/trueup/server/ui");
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8" };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

export function serve(port = 0, size = 60, pace = 0) {
  const fleet = made(size);
  const find = (name) => fleet.find((one) => one.metadata.name === name);

  const node = (ref, parents = [], more = {}) => ({ ...ref, uid: `${ref.kind}-${ref.name}`, parentRefs: parents, createdAt: ago(400), ...more });
  const tree = (app) => {
    const nodes = (app.status.resources ?? []).map((one) => node(one, [], { health: one.health, images: [] }));
    for (const one of app.status.resources ?? []) {
      if (one.kind !== "Deployment" && one.kind !== "StatefulSet") continue;
      const owner = { group: one.group, version: one.version, kind: one.kind, namespace: one.namespace, name: one.name, uid: `${one.kind}-${one.name}` };
      const bad = one.health?.status === "Degraded";
      for (const [set, pods, ill] of bad ? [["6c9d", ["x2k", "p8q"], false], ["7f44", ["m0c"], true]] : [["6c9d", ["x2k", "p8q", "a7z"], false]]) {
        const replicas = { group: "apps", version: "v1", kind: "ReplicaSet", namespace: one.namespace, name: `${one.name}-${set}`, uid: `rs-${one.name}-${set}` };
        nodes.push({ ...node(replicas, [owner], { health: { status: ill ? "Progressing" : "Healthy" } }), uid: replicas.uid });
        for (const pod of pods)
          nodes.push(
            node({ version: "v1", kind: "Pod", namespace: one.namespace, name: `${one.name}-${set}-${pod}` }, [replicas], {
              health: ill ? { status: "Degraded", message: 'Back-off pulling image "registry.example.com/web:1.9"' } : { status: "Healthy" },
              info: [{ name: "Status Reason", value: ill ? "ImagePullBackOff" : "Running" }, { name: "Containers", value: ill ? "0/1" : "1/1" }],
              images: [`registry.example.com/web:${ill ? "1.9" : "1.8.4"}`],
              networkingInfo: { labels: {} },
            }),
          );
      }
    }
    return { nodes, orphanedNodes: [], hosts: [] };
  };

  const object = (one, image, replicas) => ({
    apiVersion: one.group ? `${one.group}/${one.version}` : one.version,
    kind: one.kind,
    metadata: { name: one.name, namespace: one.namespace, annotations: one.syncWave ? { "argocd.argoproj.io/sync-wave": String(one.syncWave) } : {}, labels: { app: one.name } },
    ...(one.kind === "Secret" ? { data: { "tls.key": "++++++++" } } : {}),
    ...(one.kind === "ConfigMap" ? { data: { "limits.yaml": `retries: ${replicas}\ntimeout: 30s\n`, note: HOSTILE } } : {}),
    ...(one.kind === "Deployment" || one.kind === "StatefulSet" ? { spec: { replicas, template: { spec: { containers: [{ name: "web", image, ports: [{ containerPort: 8080 }], env: [{ name: "MODE", value: "live" }] }] } } } } : {}),
  });

  const managed = (app) =>
    (app.status.resources ?? []).map((one) => {
      const differs = one.status === "OutOfSync";
      const live = one.health?.status === "Missing" ? null : object(one, "registry.example.com/web:1.8.4", differs ? 7 : 3);
      const target = one.requiresPruning ? null : object(one, differs ? "registry.example.com/web:1.9" : "registry.example.com/web:1.8.4", 3);
      const [bare, targetState] = [JSON.stringify(live), JSON.stringify(target)];
      const managers = [{ manager: "kubectl-edit", operation: "Update", time: ago(3), fieldsV1: { "f:spec": { "f:replicas": {} } } }, { manager: "trueup", operation: "Apply", time: ago(3000), fieldsV1: { "f:spec": { "f:template": { "f:spec": { "f:containers": { 'k:{"name":"web"}': { "f:image": {} } } } } }, "f:data": { "f:limits.yaml": {} } } }];
      const liveState = live && differs ? JSON.stringify({ ...live, metadata: { ...live.metadata, managedFields: managers } }) : bare;
      return { group: one.group ?? "", kind: one.kind, namespace: one.namespace, name: one.name, liveState, targetState, normalizedLiveState: bare, predictedLiveState: targetState, modified: differs, hook: false };
    });

  const LEVELS = ["INFO  served GET /cart in 12 ms", "DEBUG cache hit for key shop:cart:42", "WARN  slow query: 1.2 s, select * from orders where customer = ?", "ERROR cannot reach payments: connection refused", '{"level":"info","msg":"order placed","order":4711,"ms":18}', `\u001b[32mgreen\u001b[0m and ${HOSTILE}`];

  const answer = (path, query, body, method) => {
    const [, , second, third, fourth, ...rest] = path.split("/");
    if (path === "/api/version") return { Version: "0.1.0", KustomizeVersion: "5.9.1", HelmVersion: "3.20.2", KubectlVersion: "1.37.0" };
    if (second !== "v1") return undefined;
    if (third === "settings") return { url: "https://trueup.example.com", appLabelKey: "app.kubernetes.io/instance", trackingMethod: "annotation", oidcConfig: { name: "Example ID" } };
    if (third === "session") return fourth === "userinfo" ? { loggedIn: true, username: "ada", groups: ["web", "on-call"] } : {};
    if (third === "account" && fourth === "can-i") return { value: /get|sync/.test(path) ? "yes" : "no" };
    if (third === "account")
      return {
        items: [
          { name: "ada", enabled: true, capabilities: ["login", "apiKey"], tokens: [{ id: "ci", issuedAt: Math.floor(Date.now() / 1000) - 86_400, expiresAt: Math.floor(Date.now() / 1000) + 864_000 }] },
          { name: "admin", enabled: true, capabilities: ["login"] },
          { name: "robot", enabled: false, capabilities: ["apiKey"] },
        ],
      };
    if (third === "trueup" && fourth === "find")
      return { items: [{ application: "web", appNamespace: "argocd", kind: "Pod", namespace: "web", name: "web-7f44-m0c", via: "ReplicaSet web-7f44" }].filter((one) => one.name === query.get("q") && one.namespace === query.get("namespace")) };
    if (third === "trueup" && fourth === "audit")
      return {
        entries: [
          { id: 4, at: ago(2), action: "healed", application: "argocd/catalogue", object: "apps/Deployment/catalogue/catalogue", why: "self-heal", by: { name: "trueup", kind: "engine" }, changes: [{ path: "spec.replicas", before: "7", after: "3" }] },
          { id: 3, at: ago(3), action: "drifted", application: "argocd/catalogue", object: "apps/Deployment/catalogue/catalogue", by: { name: "kubectl-edit", kind: "manager" }, changes: [{ path: "spec.replicas", before: "3", after: "7" }] },
          { id: 2, at: ago(9), action: "request", by: { name: "mallory", kind: "caller" }, result: "permission denied", message: `applications, sync, bank/ledger ${HOSTILE}` },
          { id: 1, at: ago(30), action: "sync-finished", application: "argocd/ledger", why: "automated", result: "Failed", message: "one or more objects failed to apply", revision: sha(1), by: { name: "Ada Byron", kind: "author" } },
        ],
      };
    if (third === "trueup" && fourth === "applications" && rest[1] === "timeline")
      return {
        lines: [
          { at: ago(6), text: "Deployment web is Degraded: image web:1.9 cannot be pulled", tone: "bad", inner: false },
          { at: ago(7), text: "commit cceb8a6 was synced, 1 of 9 objects changed", tone: "changed", inner: false },
        ],
      };
    if (third === "projects")
      return {
        items: [
          { metadata: { name: "default" }, spec: { description: "Everything is permitted", sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }], clusterResourceWhitelist: [{ group: "*", kind: "*" }] } },
          {
            metadata: { name: "shop" },
            spec: {
              description: "The shop and what it needs",
              sourceRepos: ["https://git.example.com/shop/*", "https://charts.example.com/stable"],
              destinations: [{ name: "eu-west", namespace: "*" }, { name: "us-east", namespace: "shop-*" }],
              roles: [{ name: "deployer", description: "May sync", policies: ["p, proj:shop:deployer, applications, sync, shop/*, allow"], groups: ["web"] }],
              syncWindows: [{ kind: "deny", schedule: "0 18 * * 5", duration: "62h", applications: ["*"] }],
            },
          },
        ],
      };
    if (third === "repositories")
      return {
        items: [
          { repo: "https://git.example.com/shop/deploy.git", type: "git", project: "shop", username: "robot", connectionState: { status: "Successful", attemptedAt: ago(2) } },
          { repo: "https://git.example.com/bank/deploy.git", type: "git", connectionState: { status: "Failed", message: "connection refused", attemptedAt: ago(1) } },
          { repo: "https://charts.example.com/stable", name: "stable", type: "helm" },
        ],
      };
    if (third === "clusters")
      return {
        items: [
          { name: "eu-west", server: "https://eu-west.example.com:6443", info: { connectionState: { status: "Successful", attemptedAt: ago(1) }, serverVersion: "1.35", applicationsCount: 41 } },
          { name: "us-east", server: "https://us-east.example.com:6443", info: { connectionState: { status: "Failed", message: "dial tcp: i/o timeout", attemptedAt: ago(3) }, serverVersion: "1.34", applicationsCount: 20 } },
        ],
      };
    if (third !== "applications") return undefined;
    if (!fourth && method === "POST") return JSON.parse(body);
    if (!fourth) return { metadata: { resourceVersion: "100" }, items: fleet };
    const app = find(decodeURIComponent(fourth));
    if (!app) return undefined;
    if (!rest.length) return app;
    if (rest[0] === "resource-tree") return tree(app);
    if (rest[0] === "managed-resources") return { items: managed(app).filter((one) => !query.get("kind") || (one.kind === query.get("kind") && one.name === query.get("name"))) };
    if (rest[0] === "revisions") {
      const [author, message] = COMMITS[rest[1].charCodeAt(0) % COMMITS.length];
      return { author, message, date: ago(60 + rest[1].charCodeAt(1) * 9) };
    }
    if (rest[0] === "events")
      return {
        items: [
          { metadata: { name: "a", uid: "e1" }, type: "Warning", reason: "Failed", message: 'Failed to pull image "registry.example.com/web:1.9": not found', lastTimestamp: ago(2), count: 7, involvedObject: { kind: "Pod", name: "web-7f44-m0c" } },
          { metadata: { name: "b", uid: "e2" }, type: "Normal", reason: "OperationCompleted", message: "Sync operation to 3f2a91c succeeded", lastTimestamp: ago(7), count: 1, involvedObject: { kind: "Application", name: app.metadata.name } },
          { metadata: { name: "c", uid: "e3" }, type: "Normal", reason: "ResourceUpdated", message: `Updated health status: Progressing -> Degraded ${HOSTILE}`, lastTimestamp: ago(6), count: 1, involvedObject: { kind: "Application", name: app.metadata.name } },
        ],
      };
    if (rest[0] === "resource") return { manifest: managed(app).find((one) => one.kind === query.get("kind") && one.name === query.get("resourceName"))?.liveState ?? JSON.stringify({ kind: query.get("kind"), metadata: { name: query.get("resourceName") } }) };
    if (rest[0] === "manifests") return { revision: query.get("revision"), manifests: managed(app).map((one) => one.targetState).filter((one) => one !== "null").map((one) => one.replaceAll("1.8.4", "1.8.3")) };
    if (rest[0] === "syncwindows") return { canSync: true };
    return method === "POST" || method === "DELETE" ? {} : undefined;
  };

  const server = createServer((request, response) => {
    const address = new URL(request.url, "http://stage");
    const path = address.pathname;
    const mode = /stage=(\w+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
    const json = (status, value) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    if (path === "/api/v1/session" && request.method === "POST") response.setHeader("Set-Cookie", "stage=; Path=/");
    if (!path.startsWith("/api/")) return page(path, request, response);
    if (mode === "signedout" && /applications|userinfo/.test(path)) return json(401, { error: "no session information", code: 16, message: "no session information" });
    if (mode === "forbidden" && !/settings|version|userinfo/.test(path)) return json(403, { error: "permission denied", code: 7, message: "permission denied: applications, get" });
    if (mode === "loading" && /applications/.test(path)) return undefined;
    if (mode === "empty" && path === "/api/v1/applications") return json(200, { metadata: {}, items: null });
    if (path === "/api/v1/stream/applications") return stream(response, mode);
    if (path.startsWith("/api/v1/stream/")) {
      const app = find(decodeURIComponent(path.split("/")[5] ?? ""));
      const tell = opened(response);
      if (app) tell(tree(app));
      return undefined;
    }
    if (path.endsWith("/logs")) {
      const tell = opened(response);
      const pods = address.searchParams.get("podName") ? [address.searchParams.get("podName")] : ["web-6c9d-x2k", "web-6c9d-p8q"];
      for (let at = 0; at < 120; at++)
        tell({ content: LEVELS[at % LEVELS.length], timeStampStr: new Date(Date.now() - (120 - at) * 900).toISOString(), podName: pods[at % pods.length] });
      if (address.searchParams.get("follow") !== "true") {
        tell({ last: true });
        response.end();
      }
      return undefined;
    }
    let text = "";
    request.on("data", (piece) => (text += piece));
    request.on("end", () => {
      const found = answer(path, address.searchParams, text, request.method);
      if (found === undefined) json(404, { error: "Not Found", code: 5, message: "Not Found" });
      else json(200, found);
    });
    return undefined;
  });

  /** A stream of events; what it says when nothing happens is a comment. */
  function opened(response) {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    const beat = setInterval(() => response.write(":\n\n"), 15_000);
    response.on("close", () => clearInterval(beat));
    return (result, token = "") => response.write(`${token ? `id: ${token}\n` : ""}data: ${JSON.stringify({ result })}\n\n`);
  }

  function stream(response, mode) {
    const tell = opened(response);
    if (mode === "stale") return void response.destroy();
    if (!pace) return undefined;
    let turn = 0;
    const timer = setInterval(() => {
      const app = fleet[turn++ % fleet.length];
      const status = turn % 7 ? "Healthy" : "Progressing";
      app.metadata.resourceVersion = String(10_000 + turn);
      app.status = { ...app.status, health: { status, lastTransitionTime: ago(0) } };
      tell({ type: "MODIFIED", application: app }, `stage.${turn}`);
    }, 1000 / pace);
    response.on("close", () => clearInterval(timer));
    return undefined;
  }

  function page(path, request, response) {
    const file = join(UI, path);
    if (file.startsWith(UI) && extname(file) && existsSync(file)) {
      const packed = /\bbr\b/.test(request.headers["accept-encoding"] ?? "") && existsSync(`${file}.br`);
      response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", ...(packed ? { "Content-Encoding": "br" } : {}) });
      return void createReadStream(packed ? `${file}.br` : file).pipe(response);
    }
    response.writeHead(200, { "Content-Type": TYPES[".html"], "Content-Security-Policy": POLICY }).end(readFileSync(join(UI, "index.html")));
  }

  return new Promise((done) => server.listen(port, "127.0.0.1", () => done({ server, fleet, sha, address: `http://127.0.0.1:${server.address().port}` })));
}

if (import.meta.filename === process.argv[1]) {
  const { address } = await serve(...process.argv.slice(2).map(Number));
  console.log(address);
}
