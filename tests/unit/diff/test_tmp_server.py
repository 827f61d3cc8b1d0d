import itertools, random
from copy import deepcopy
import msgspec, pytest
from trueup.diff import *
from trueup.diff.ownership import applied_fields
from trueup.formats.yaml import load_all
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.kube.errors import ApiError
from trueup.kube.schemas import Schemas
from trueup.model.resource import group_of, version_of
DOCS = b"""
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {x: "1"}, annotations: {argocd.argoproj.io/tracking-id: 'a:/ConfigMap:b/a'}, finalizers: [example.com/a, example.com/b]}
data: {a: "1", b: "2"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: bare}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {a: YWJj}
---
apiVersion: v1
kind: Service
metadata: {name: svc}
spec: {selector: {a: b}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: svc2}
spec: {selector: {a: b}, ports: [{port: 53, name: u, protocol: UDP}, {port: 53, name: t}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, creationTimestamp: null}
    spec:
      tolerations: [{key: a, operator: Exists}]
      securityContext: {}
      imagePullSecrets: [{name: z}, {name: a}]
      containers:
      - name: web
        image: web:1
        args: [a, b]
        env: [{name: A, value: "1"}, {name: B, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        ports: [{containerPort: 80}, {containerPort: 81, protocol: UDP}]
        resources: {requests: {cpu: 1000m, memory: 1024Mi}}
        volumeMounts: [{name: t, mountPath: /t}]
        livenessProbe: {httpGet: {path: /, port: 80}}
      - name: side
        image: side:1
      volumes: [{name: t, emptyDir: {}}, {name: c, configMap: {name: a, items: [{key: k, path: p}]}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain}
spec:
  replicas: 0
  selector: {matchLabels: {app: p}}
  template:
    metadata: {labels: {app: p}}
    spec:
      tolerations: [{key: a, operator: Exists}]
      containers:
      - {name: web, image: "web:1", ports: [{containerPort: 80}], env: [{name: A, value: "1"}], command: [x]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i}
spec: {rules: [{host: a.b, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: svc, port: {number: 80}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {a: b}}}]}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: c}
spec: {schedule: "0 0 1 1 *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: p}
spec: {minAvailable: 50%, selector: {matchLabels: {a: b}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: v}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
def paths(v, at=()):
    if isinstance(v, dict):
        for k, x in v.items():
            if at == () and k in ("apiVersion","kind","status"): continue
            if at == ():
                yield from paths(x, at+(k,)); continue
            if at == ("metadata",) and k in ("name","namespace","managedFields","uid","resourceVersion","creationTimestamp","generation"): continue
            yield at+(k,); yield from paths(x, at+(k,))
    elif isinstance(v, list):
        for i, x in enumerate(v):
            yield at+(i,); yield from paths(x, at+(i,))
def mutate(obj, rng):
    obj = deepcopy(obj)
    every = list(paths(obj))
    if not every: return obj
    p = rng.choice(every)
    place = obj
    for s in p[:-1]: place = place[s]
    old = place[p[-1]]
    r = rng.random()
    if r < .35: del place[p[-1]]
    elif isinstance(old, bool): place[p[-1]] = not old
    elif isinstance(old, int): place[p[-1]] = old + 1
    elif isinstance(old, str): place[p[-1]] = old + "x" if r < .8 else old
    elif isinstance(old, list) and old:
        c = deepcopy(old[0])
        if isinstance(c, dict) and "name" in c: c["name"] = c["name"] + "2"
        if isinstance(c, str): c += "x"
        if r < .6: old.append(c)
        elif r < .8: old.insert(0, c)
        else: old.reverse()
    elif isinstance(old, dict): old["extra"] = "x"
    return obj
async def test_it(admin: Client, namespace: str) -> None:
    disc = Discovery(admin); await disc.refresh(); schemas = Schemas(admin)
    rng = random.Random(5); settled_n = asked = wrong = noop_missed = edits = 0; stat = []; und = 0; und_bad=[]
    for doc in load_all(DOCS, "x").documents:
        base = doc.value; base["metadata"]["namespace"] = namespace
        t = disc.find(group_of(base["apiVersion"]), base["kind"], version_of(base["apiVersion"]))
        nm = base["metadata"]["name"]
        async def apply(o, dry): return await admin.apply(t, namespace, nm, msgspec.json.encode(o), manager="argocd-controller", dry_run=dry)
        live = await apply(base, False)
        s0 = is_settled(base, live.object()); stat.append((base["kind"], nm, s0))
        schema = await schemas.schema_for(base["apiVersion"], base["kind"])
        for n in range(60):
            live = await admin.get(t, namespace, nm)
            cur = base
            # a live edit by kubectl
            if rng.random() < .6:
                edited = mutate(live.object(), rng); edited["metadata"].pop("managedFields", None); edited.pop("status", None)
                try: live = await admin.replace(t, namespace, nm, msgspec.json.encode(edited), manager="kubectl-edit"); edits += 1
                except ApiError: pass
            for want in (cur, mutate(cur, rng)):
                s = is_settled(want, live.object())
                try: ans = await apply(want, True)
                except ApiError as e:
                    if s: wrong += 1; print("SETTLED BUT REFUSED", nm, want, e)
                    if schema:
                        comp = schema.get('components', {}).get('schemas', {}) or {}; u = undeclared_fields(want, schema, comp); d = duplicate_keys(want, schema, comp)
                        typed = "field not declared" in str(e) or "duplicate" in str(e)
                        if typed:
                            und += 1
                            if not (u or d): und_bad.append((nm, str(e)[:200]))
                    continue
                same = comparable(ans.object()) == comparable(live.object())
                if s:
                    settled_n += 1
                    if not same: wrong += 1; print("WRONG", nm, differences(live.object(), ans.object()))
                else:
                    asked += 1; noop_missed += same
                if rng.random() < .3:
                    try: await apply(want, False); base = want
                    except ApiError: pass
        await admin.delete(t, namespace, nm) if False else None
    print("after apply:", stat); print(dict(settled=settled_n, asked=asked, wrong=wrong, noop_missed=noop_missed, edits=edits, refused_typed=und)); print(und_bad[:10])
    assert not wrong
