"""Bad input: a condition that names the file or field, nothing lost, nobody else disturbed."""

import msgspec
import pytest
from tests.conftest import make_namespace, on_embedded, on_kubernetes
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment
from tests.support.patience import looks
from tests.support.tiers import rows

from trueup.kube.errors import Invalid

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\n"

FILES = {
    "malformed YAML in one of many files": (HEAD + "data: [unclosed\n", "bad.yaml"),
    "TAB as indentation": ("apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: bad\n", "bad.yaml"),
    "nested brackets by the ten thousand": (HEAD + "data: " + "[" * 50_000 + "]" * 50_000 + "\n", "bad.yaml"),
    "an alias bomb": (HEAD + "data:\n" + "".join(f"  {line}\n" for line in BOMB.splitlines()), "bad.yaml"),
    "11 MB of YAML": (HEAD + "data:\n" + "".join(f"  k{i}: {'x' * 1000}\n" for i in range(11_000)), "10"),
    "a manifest without a name": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", "bad.yaml"),
    "an integer beyond 64 bits": (HEAD + "data: {n: 99999999999999999999999}\n", "bad.yaml"),
}


@pytest.mark.parametrize(("text", "named"), rows(FILES, "malformed YAML in one of many files", "an alias bomb"))
@on_embedded
async def test_bad_content_is_named_and_harms_nothing(estate: Estate, text: str, named: str) -> None:
    await estate.given({"app/good.yaml": config("good"), "app/other.yaml": config("other")})
    await estate.app("app")
    await estate.settled()
    await estate.commit({"app/bad.yaml": text, "app/other.yaml": None})
    message = await estate.condition("ComparisonError")
    assert named in message
    assert len(message) <= 1200 and "Traceback" not in message and "/tmp" not in message
    view = await estate.view()
    assert view.status.sync is not None and view.status.sync.status == "Unknown"
    assert await estate.live("ConfigMap", "good") is not None
    assert await estate.live("ConfigMap", "other") is not None, "a failed render prunes nothing"
    revision = await estate.commit({"app/bad.yaml": None})
    await estate.settled(revision)
    await estate.gone("ConfigMap", "other")


@on_kubernetes
async def test_an_application_that_nests_thousands_of_levels_deep_disturbs_no_other_one(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a")})
    await estate.app("app")
    await estate.settled()
    name, levels = f"{estate.name}-deep", 3000
    deep = '{"a":' * levels + "1" + "}" * levels
    await estate.client.create(
        estate.application,
        estate.engine.namespace,
        f"""{{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {{"name": "{name}"}}, "spec": {{
        "project": "default", "destination": {{"server": "https://kubernetes.default.svc", "namespace": "{name}"}},
        "source": {{"repoURL": "{estate.repository.url}", "path": "app", "helm": {{"valuesObject": {deep}}}}}}}}}
        """.encode(),
    )
    message = await estate.condition("InvalidSpecError", name)
    assert "spec.source.helm.valuesObject.a... is nested more than 128 levels deep" in message
    await estate.settled(await estate.commit({"app/a.yaml": config("a", "blue")}))
    await estate.remove_application(name)
    await estate.application_gone(name)


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n"
FAULTS: dict[str, tuple[str | bytes, str]] = {
    "a pointer of Git LFS stands in its place": (LFS, "a Git LFS pointer"),
    "it is saved as UTF-16 without a mark": (config("web").encode("utf-16-le"), "save it as UTF-8"),
    "it is empty": ("", "it is empty"),
    "it is cut off behind its first key": ("apiVersion: v1\n", "it holds no manifest"),
    "it is cut off in a comment behind its first object": (config("web") + "---\n# The sec", "in the middle of a line"),
    "the mark between its objects is lost": (config("web") + config("web2"), "comes twice"),
}


@pytest.mark.parametrize(
    ("content", "named"),
    rows(FAULTS, "a pointer of Git LFS stands in its place", "it is cut off behind its first key"),
)
@on_embedded
async def test_a_manifest_that_is_damaged_takes_nothing_down(estate: Estate, content: str | bytes, named: str) -> None:
    files = {f"app/{name}.yaml": config(name) for name in ("web", "other", "good")}
    files["app/web.yaml"] += f"---\n# The second.\n{config('web2')}".rstrip()
    await estate.given({**files, "app/values.yaml": "a: 1\n"})
    await estate.app("app")
    await estate.settled()
    await estate.commit({"app/web.yaml": content, "app/other.yaml": None})
    message = await estate.condition("ComparisonError")
    assert "app/web.yaml" in message and named in message
    for name in ("web", "web2", "other"):
        assert await estate.live("ConfigMap", name) is not None, (
            "a render that is not sure of being whole prunes nothing"
        )
    revision = await estate.commit({"app/web.yaml": None})
    await estate.settled(revision)
    for name in ("web", "web2", "other"):
        await estate.gone("ConfigMap", name)


OBJECTS = '{{ range $path, $_ := .Files.Glob "objects/*.yaml" }}{{ $.Files.Get $path }}\n---\n{{ end }}'
READ = {
    "a resource of a kustomization": ({"app/kustomization.yaml": "resources: [good.yaml, web]\n"}, "app/web"),
    "a file that a template of a chart reads": (
        {"app/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "app/templates/all.yaml": OBJECTS},
        "app/objects/web.yaml",
    ),
}


@pytest.mark.parametrize(("files", "file"), rows(READ, "a resource of a kustomization"))
@on_embedded
async def test_a_file_of_any_name_that_becomes_empty_takes_nothing_down(
    estate: Estate, files: dict[str, str], file: str
) -> None:
    good = "app/objects/good.yaml" if "objects" in file else "app/good.yaml"
    await estate.given({**files, good: config("good"), file: config("web")})
    await estate.app("app")
    await estate.settled()
    await estate.commit({file: ""})
    assert f"{file}: it is empty" in await estate.condition("ComparisonError")
    assert await estate.live("ConfigMap", "web") is not None


@on_embedded
async def test_what_kubectl_reads_is_read(estate: Estate) -> None:
    await estate.given({"app/utf16.yaml": config("utf16"), "app/json.yaml": config("json")})
    await estate.app("app")
    await estate.settled()
    one, two = ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}} for name in ("json", "json2"))
    revision = await estate.commit(
        {
            "app/utf16.yaml": ("\ufeff" + config("utf16", "blue").replace("\n", "\r\n")).encode("utf-16-le"),
            "app/json.yaml": msgspec.json.encode(one) + b"\n" + msgspec.json.encode(two),
        }
    )
    view = await estate.settled(revision)
    assert sorted(resource.name for resource in view.status.resources) == ["json", "json2", "utf16"]
    live = await estate.live("ConfigMap", "utf16")
    assert live is not None and live.object()["data"] == {"colour": "blue"}


SOURCES = {
    "an absolute path": ({"path": "/etc"}, ("InvalidSpecError", "ComparisonError"), "/etc"),
    "a path outside the repository": ({"path": "../../x"}, ("InvalidSpecError", "ComparisonError"), "../../x"),
    "a path that does not exist": ({"path": "nowhere"}, ("ComparisonError",), "nowhere"),
    "a path that is a file": ({"path": "app/good.yaml"}, ("ComparisonError",), "app/good.yaml"),
    "a link out of the repository": ({"path": "link"}, ("ComparisonError",), "link"),
    "an unknown revision": (
        {"path": "app", "targetRevision": "no-such-branch"},
        ("ComparisonError",),
        "no-such-branch",
    ),
    "a revision that is an option": (
        {"path": "app", "targetRevision": "--output=x"},
        ("InvalidSpecError", "ComparisonError"),
        "revision",
    ),
    "a transport that runs commands": (
        {"path": "app", "repoURL": "ext::sh -c id"},
        ("InvalidSpecError", "ComparisonError"),
        "ext",
    ),
    "a local repository outside the allowed folders": (
        {"path": "app", "repoURL": "file:///etc"},
        ("InvalidSpecError", "ComparisonError"),
        "--allow-local-repos",
    ),
    "two tools at once": (
        {"path": "app", "helm": {"releaseName": "x"}, "kustomize": {"namePrefix": "y"}},
        ("ComparisonError", "InvalidSpecError"),
        "Helm,Kustomize",
    ),
}


@pytest.mark.parametrize(
    ("source", "kinds", "named"),
    rows(SOURCES, "a link out of the repository", "an unknown revision", "two tools at once"),
)
@on_embedded
async def test_a_source_that_cannot_be_read_is_a_condition(
    estate: Estate, source: dict[str, object], kinds: tuple[str, ...], named: str
) -> None:
    folder = estate.repository.folder
    folder.mkdir(parents=True)
    (folder / "link").symlink_to("/etc")
    await estate.repository.git("init", "--quiet", "--initial-branch=main")
    await estate.commit({"app/good.yaml": config("good")})
    await estate.app(**{"path": "app", **source})  # type: ignore[arg-type]
    view = await estate.until(lambda v: any(c.type in kinds for c in v.status.conditions), what=f"in {kinds}")
    message = next(c.message for c in view.status.conditions if c.type in kinds)
    assert named in message
    assert view.status.sync is not None and view.status.sync.status == "Unknown"


async def test_an_unknown_kind_fails_the_sync_by_name_and_writes_nothing(estate: Estate) -> None:
    strange = "apiVersion: nobody.example.com/v1\nkind: Strange\nmetadata: {name: it}\n"
    await estate.given({"app/it.yaml": strange, "app/good.yaml": config("good")})
    await estate.app("app", policy={"retry": {"limit": 0}})
    message = await estate.condition("SyncError")
    assert "Strange" in message or "failed" in message
    view = await estate.view()
    state = view.status.operation_state
    assert state is not None and state.sync_result is not None
    failed = [r for r in state.sync_result.resources if r.status == "SyncFailed"]
    assert [r.kind for r in failed] == ["Strange"] and "nobody.example.com" in failed[0].message
    assert await estate.live("Namespace", estate.name) is None or await estate.live("ConfigMap", "good") is None


async def test_an_unknown_field_is_applied_without_it_and_named(estate: Estate) -> None:
    text = deployment().replace("  replicas: 1\n", "  replicas: 1\n  replicaz: 3\n")
    await estate.given({"app/web.yaml": text})
    await estate.app("app", policy={"retry": {"limit": 0}})
    view = await estate.until(
        lambda v: v.status.operation_state is not None and v.status.operation_state.phase.completed, what="ended"
    )
    state = view.status.operation_state
    assert state is not None and state.sync_result is not None
    assert "replicaz" in " ".join(r.message for r in state.sync_result.resources)
    assert await estate.live("Deployment", "web", group="apps") is not None


async def test_a_refusal_by_admission_is_that_objects_result(estate: Estate) -> None:
    await estate.given({"app/good.yaml": config("good"), "app/web.yaml": deployment("UPPER")})
    await estate.app("app", policy={"retry": {"limit": 0}})
    view = await estate.until(
        lambda v: v.status.operation_state is not None and v.status.operation_state.phase.completed, what="ended"
    )
    state = view.status.operation_state
    assert state is not None and state.phase == "Failed" and state.sync_result is not None
    assert [r.name for r in state.sync_result.resources if r.status == "SyncFailed"] == ["UPPER"]


async def test_a_secret_that_is_refused_never_shows_its_value(estate: Estate) -> None:
    canary = "CANARY-7f3a91"
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{token: {canary}!}}\n"
    await estate.given({"app/s.yaml": text})
    await estate.app("app", policy={"retry": {"limit": 0}})
    view = await estate.until(
        lambda v: bool(v.status.conditions) or (v.status.operation_state is not None), what="reported"
    )
    view = await estate.until(
        lambda v: (
            bool(v.status.conditions)
            or (v.status.operation_state is not None and v.status.operation_state.phase.completed)
        ),
        what="ended",
    )
    assert canary not in str(view.raw)
    assert canary not in estate.engine.log.read_text(errors="replace")


async def test_a_project_refuses_what_it_does_not_permit(estate: Estate) -> None:
    projects = estate.discovery.find("argoproj.io", "AppProject")
    assert projects is not None
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": estate.name, "namespace": estate.engine.namespace},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": estate.name}],
            "namespaceResourceBlacklist": [{"group": "apps", "kind": "Deployment"}],
        },
    }
    await estate.client.create(projects, estate.engine.namespace, msgspec.json.encode(project))
    await estate.given({"app/web.yaml": deployment(), "other/a.yaml": config("a")})
    await estate.app("app", spec={"project": estate.name}, policy={"retry": {"limit": 0}}, options=())
    view = await estate.until(lambda v: any(r.kind == "Deployment" for r in v.status.resources), what="compared")
    view = await estate.until(
        lambda v: v.status.operation_state is not None and v.status.operation_state.phase.completed, what="ended"
    )
    state = view.status.operation_state
    assert state is not None and state.sync_result is not None
    assert ["not permitted" in r.message for r in state.sync_result.resources] == [True]
    assert await estate.live("Deployment", "web", group="apps") is None
    denied = f"{estate.name}-d"
    await estate.app("other", name=denied, spec={"project": estate.name})
    message = await estate.condition("InvalidSpecError", denied)
    assert "do not match any of the allowed destinations" in message or "not permitted" in message


@on_embedded
async def test_a_duplicate_key_is_a_warning_that_names_file_and_line(estate: Estate) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata:\n  a: first\n  a: last\n"
    revision = await estate.given({"app/twice.yaml": text})
    await estate.app("app")
    view = await estate.settled(revision)
    assert [(c.type, "twice.yaml:6" in c.message) for c in view.status.conditions] == [("RenderWarning", True)]
    live = await estate.live("ConfigMap", "twice")
    assert live is not None and live.object()["data"] == {"a": "last"}


@on_kubernetes
async def test_a_denial_by_an_admission_policy_is_told_in_its_words_and_stops_nothing_else(estate: Estate) -> None:
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": estate.name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": estate.name}},
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["configmaps"],
                    }
                ],
            },
            "validations": [{"expression": "object.metadata.name != 'denied'", "message": "no such name here"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": estate.name},
        "spec": {"policyName": estate.name, "validationActions": ["Deny"]},
    }
    for manifest in (policy, binding):
        resource = estate.discovery.find("admissionregistration.k8s.io", str(manifest["kind"]))
        assert resource is not None
        await estate.client.create(resource, "", msgspec.json.encode(manifest))
    await make_namespace(estate.client, estate.name)
    maps = f"/api/v1/namespaces/{estate.name}/configmaps?dryRun=All"
    # A policy comes into force some moments after it is stored.
    async for _ in looks():
        try:
            await estate.client.request("POST", maps, body=b'{"metadata":{"name":"denied"}}')
        except Invalid:
            break
    else:
        raise AssertionError("the policy does not come into force")
    await estate.given({"app/denied.yaml": config("denied"), "app/good.yaml": config("good")})
    await estate.app("app", policy={"retry": {"limit": 0}})
    view = await estate.until(
        lambda v: v.status.operation_state is not None and v.status.operation_state.phase.completed, what="ended"
    )
    state = view.status.operation_state
    assert state is not None and state.phase == "Failed" and state.sync_result is not None
    failed = [r for r in state.sync_result.resources if r.status == "SyncFailed"]
    assert [r.name for r in failed] == ["denied"] and "no such name here" in failed[0].message
    assert await estate.live("ConfigMap", "good") is not None
    resource = estate.discovery.find("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding")
    assert resource is not None
    await estate.client.delete(resource, "", estate.name, propagation="Background")
