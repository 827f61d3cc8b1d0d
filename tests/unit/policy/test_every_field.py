"""Every field and option of Argo CD's objects is read, or harmless, or stops automation with a condition that names it.

A field that is accepted and not read fails here.
"""

import ast
import functools
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import trueup
from trueup.model.application import Application, ApplicationSpec, Operation
from trueup.model.project import Project, ProjectSpec
from trueup.policy import problems, unbuilt_fields, unbuilt_operation
from trueup.policy.options import KNOWN

SOURCE_CODE = Path(trueup.__file__).parent

READ: dict[str, str] = {
    # struct.field: the module that reads it
    "ApplicationSpec.destination": "policy/specification.py",
    "ApplicationSpec.ignore_differences": "observe/ignoring.py",
    "ApplicationSpec.project": "store/applications.py",
    "ApplicationSpec.revision_history_limit": "store/status.py",
    "ApplicationSpec.source": "model/application.py",
    "ApplicationSpec.source_hydrator": "policy/specification.py",
    "ApplicationSpec.sources": "model/application.py",
    "ApplicationSpec.sync_policy": "policy/automatic.py",
    "Automated.allow_empty": "policy/automatic.py",
    "Automated.enabled": "policy/automatic.py",
    "Automated.prune": "policy/automatic.py",
    "Automated.self_heal": "policy/automatic.py",
    "Backoff.duration": "plan/retry.py",
    "Backoff.factor": "plan/retry.py",
    "Backoff.max_duration": "plan/retry.py",
    "Destination.name": "store/clusters/known.py",
    "Destination.namespace": "observe/observer.py",
    "Destination.server": "store/clusters/known.py",
    "ProjectSpec.permit_only_project_scoped_clusters": "policy/specification.py",
    "DestinationServiceAccount.default_service_account": "policy/impersonation.py",
    "DestinationServiceAccount.namespace": "policy/impersonation.py",
    "DestinationServiceAccount.server": "policy/impersonation.py",
    "DirectorySource.disable_extension_filter": "render/directory.py",
    "DirectorySource.exclude": "render/directory.py",
    "DirectorySource.include": "render/directory.py",
    "DirectorySource.jsonnet": "render/directory.py",
    "DirectorySource.recurse": "render/directory.py",
    "HelmFileParameter.name": "render/helm.py",
    "HelmFileParameter.path": "render/helm.py",
    "HelmParameter.force_string": "render/helm.py",
    "HelmParameter.name": "render/helm.py",
    "HelmParameter.value": "render/helm.py",
    "HelmSource.api_versions": "render/helm.py",
    "HelmSource.file_parameters": "render/helm.py",
    "HelmSource.ignore_missing_value_files": "render/helm.py",
    "HelmSource.kube_version": "render/helm.py",
    "HelmSource.namespace": "render/helm.py",
    "HelmSource.parameters": "render/helm.py",
    "HelmSource.pass_credentials": "engine/term.py",
    "HelmSource.release_name": "render/helm.py",
    "HelmSource.skip_crds": "render/helm.py",
    "HelmSource.skip_schema_validation": "render/helm.py",
    "HelmSource.skip_tests": "render/helm.py",
    "HelmSource.value_files": "render/helm.py",
    "HelmSource.values": "render/helm.py",
    "HelmSource.values_object": "render/helm.py",
    "IgnoreDifference.group": "diff/rules.py",
    "IgnoreDifference.jq_path_expressions": "observe/ignoring.py",
    "IgnoreDifference.json_pointers": "diff/rules.py",
    "IgnoreDifference.kind": "diff/rules.py",
    "IgnoreDifference.managed_fields_managers": "diff/rules.py",
    "IgnoreDifference.name": "diff/rules.py",
    "IgnoreDifference.namespace": "diff/rules.py",
    "PluginParameter.array": "render/plugin.py",
    "PluginParameter.map": "render/plugin.py",
    "PluginParameter.name": "render/plugin.py",
    "PluginParameter.string": "render/plugin.py",
    "PluginSource.env": "render/plugin.py",
    "PluginSource.name": "render/plugin.py",
    "PluginSource.parameters": "render/plugin.py",
    "JsonnetSource.ext_vars": "render/jsonnet.py",
    "JsonnetSource.libs": "render/jsonnet.py",
    "JsonnetSource.tlas": "render/jsonnet.py",
    "JsonnetVar.code": "render/jsonnet.py",
    "JsonnetVar.name": "render/jsonnet.py",
    "JsonnetVar.value": "render/jsonnet.py",
    "KustomizeReplica.count": "render/kustomize_edit.py",
    "KustomizeReplica.name": "render/kustomize_edit.py",
    "KustomizeSource.common_annotations": "render/kustomize_edit.py",
    "KustomizeSource.common_annotations_envsubst": "render/kustomize_edit.py",
    "KustomizeSource.common_labels": "render/kustomize_edit.py",
    "KustomizeSource.components": "render/kustomize_edit.py",
    "KustomizeSource.force_common_annotations": "render/kustomize_edit.py",
    "KustomizeSource.force_common_labels": "render/kustomize_edit.py",
    "KustomizeSource.ignore_missing_components": "render/kustomize.py",
    "KustomizeSource.images": "render/kustomize_edit.py",
    "KustomizeSource.label_include_templates": "render/kustomize_edit.py",
    "KustomizeSource.label_without_selector": "render/kustomize_edit.py",
    "KustomizeSource.name_prefix": "render/kustomize_edit.py",
    "KustomizeSource.name_suffix": "render/kustomize_edit.py",
    "KustomizeSource.namespace": "render/kustomize_edit.py",
    "KustomizeSource.patches": "render/kustomize_edit.py",
    "KustomizeSource.replicas": "render/kustomize_edit.py",
    "NamespaceMetadata.annotations": "plan/namespace.py",
    "NamespaceMetadata.labels": "plan/namespace.py",
    "Operation.initiated_by": "plan/retry.py",
    "Operation.retry": "plan/retry.py",
    "Operation.sync": "plan/facts.py",
    "OperationInitiator.automated": "plan/retry.py",
    "OperationInitiator.username": "controllers/begin.py",
    "ProjectSpec.destination_service_accounts": "policy/impersonation.py",
    "ProjectSpec.cluster_resource_blacklist": "policy/project.py",
    "ProjectSpec.cluster_resource_whitelist": "policy/project.py",
    "ProjectSpec.destinations": "policy/project.py",
    "ProjectSpec.namespace_resource_blacklist": "policy/project.py",
    "ProjectSpec.namespace_resource_whitelist": "policy/project.py",
    "ProjectSpec.signature_keys": "policy/integrity.py",
    "ProjectSpec.source_integrity": "policy/integrity.py",
    "ProjectSpec.source_namespaces": "policy/project.py",
    "SignatureKey.key_id": "policy/integrity.py",
    "ProjectSpec.source_repos": "policy/project.py",
    "ProjectSpec.sync_windows": "policy/windows.py",
    "ResourceRule.group": "policy/project.py",
    "ResourceRule.kind": "policy/project.py",
    "ResourceRule.name": "policy/project.py",
    "Retry.backoff": "plan/retry.py",
    "Retry.limit": "plan/retry.py",
    "Source.chart": "policy/specification.py",
    "Source.directory": "render/directory.py",
    "Source.helm": "render/helm.py",
    "Source.kustomize": "render/kustomize.py",
    "Source.name": "policy/specification.py",
    "Source.path": "render/recipe.py",
    "Source.plugin": "model/source.py",
    "Source.ref": "render/recipe.py",
    "Source.repo_url": "observe/targets.py",
    "Source.tag_prefix": "observe/targets.py",
    "Source.target_revision": "observe/targets.py",
    "SyncOperation.auto_heal_attempts_count": "policy/heal.py",
    "Operation.info": "policy/heal.py",
    "SyncOperation.dry_run": "plan/step.py",
    "SyncOperation.manifests": "policy/local.py",
    "SyncOperation.prune": "plan/build.py",
    "SyncOperation.resources": "plan/build.py",
    "SyncOperation.revision": "controllers/begin.py",
    "SyncOperation.revisions": "controllers/begin.py",
    "SyncOperation.source": "controllers/begin.py",
    "SyncOperation.sources": "controllers/begin.py",
    "SyncOperation.sync_options": "plan/facts.py",
    "SyncOperation.sync_strategy": "plan/build.py",
    "SyncOperationResource.group": "plan/build.py",
    "SyncOperationResource.kind": "plan/build.py",
    "SyncOperationResource.name": "plan/build.py",
    "SyncOperationResource.namespace": "plan/build.py",
    "SyncPolicy.automated": "policy/automatic.py",
    "SyncPolicy.managed_namespace_metadata": "observe/namespace.py",
    "SyncPolicy.retry": "controllers/operation.py",
    "SyncPolicy.sync_options": "plan/facts.py",
    "SyncStrategy.apply": "plan/build.py",
    "SyncStrategy.hook": "plan/build.py",
    "SyncStrategyApply.force": "plan/build.py",
    "SyncStrategyHook.force": "plan/build.py",
    "SyncWindow.and_operator": "policy/windows.py",
    "SyncWindow.applications": "policy/windows.py",
    "SyncWindow.clusters": "policy/windows.py",
    "SyncWindow.duration": "policy/windows.py",
    "SyncWindow.kind": "policy/windows.py",
    "SyncWindow.manual_sync": "policy/windows.py",
    "SyncWindow.namespaces": "policy/windows.py",
    "SyncWindow.schedule": "policy/windows.py",
    "SyncWindow.sync_overrun": "policy/windows.py",
    "SyncWindow.time_zone": "policy/windows.py",
}

WHOLE: dict[str, str] = {
    # struct: the field in which it is handed on whole, as kustomize reads it
    "KustomizePatch": "KustomizeSource.patches",
    "KustomizePatchTarget": "KustomizeSource.patches",
}

HARMLESS: dict[str, str] = {
    # a struct, or struct.field: why nothing in a cluster depends on it
    "ApplicationSpec.info": "shown in a user interface",
    "HelmSource.version": "Argo CD ignores it too",
    "KustomizeSource.api_versions": "for charts in kustomizations alone, which are refused",
    "KustomizeSource.kube_version": "for charts in kustomizations alone, which are refused",
    "DrySource": "spec.sourceHydrator is refused as a whole",
    "HydrateTo": "spec.sourceHydrator is refused as a whole",
    "NameValue": "of spec.info, which is shown, of plugin.env and of operation.info, in which self-heal counts",
    "OrphanIgnore": "a warning that is not given",
    "OrphanedResources": "a warning that is not given",
    "ProjectRole": "rights of users of an API server",
    "ProjectSpec.description": "shown in a user interface",
    "ProjectSpec.orphaned_resources": "a warning that is not given",
    "ProjectSpec.roles": "rights of users of an API server",
    "SourceHydrator": "spec.sourceHydrator is refused as a whole",
    "SyncSource": "spec.sourceHydrator is refused as a whole",
    "SyncWindow.description": "shown in a user interface",
}

SOURCE = {"repoURL": "https://git.example/shop", "path": "deploy"}
UNBUILT: dict[str, tuple[dict[str, Any], str]] = {
    # struct.field: an Application's spec that has it, and the place that the condition names
    "KustomizeSource.version": (
        {"sources": [SOURCE, SOURCE | {"kustomize": {"version": "v4"}}]},
        "spec.sources[1].kus",
    ),
    "Retry.refresh": (
        {"source": SOURCE, "syncPolicy": {"retry": {"refresh": True}}},
        "spec.syncPolicy.retry.refresh: ",
    ),
}
UNBUILT_IN_PROJECT: dict[str, tuple[dict[str, Any], str]] = {
    "ProjectSpec.source_integrity": (
        {"sourceIntegrity": {"helm": {"policies": [{"repos": [{"url": "*"}]}]}}},
        "project team: spec.sourceIntegrity.helm: ",
    ),
}
UNBUILT_IN_OPERATION: dict[str, tuple[dict[str, Any], str]] = {
    "Retry.refresh": ({"sync": {}, "retry": {"refresh": True}}, "operation.retry.refresh: "),
}


def structs(type_: Any, seen: set[type[msgspec.Struct]]) -> Iterator[type[msgspec.Struct]]:
    """A type and the structs in it, each once."""
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        if type_ in seen:
            return
        seen.add(type_)
        yield type_
        for field in msgspec.structs.fields(type_):
            yield from structs(field.type, seen)
    for argument in typing.get_args(type_):
        yield from structs(argument, seen)


def every_field() -> list[str]:
    seen: set[type[msgspec.Struct]] = set()
    return sorted(
        f"{struct.__name__}.{field.name}"
        for root in (ApplicationSpec, Operation, ProjectSpec)
        for struct in structs(root, seen)
        for field in msgspec.structs.fields(struct)
    )


@functools.cache
def attributes(module: str) -> frozenset[str]:
    tree = ast.parse((SOURCE_CODE / module).read_text())
    return frozenset(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))


@pytest.mark.parametrize("field", every_field())
def test_a_field_is_read_or_harmless_or_stops_automation(field: str) -> None:
    struct, _, name = field.partition(".")
    where = [field in READ, struct in WHOLE, field in HARMLESS or struct in HARMLESS]
    unbuilt = field in UNBUILT or field in UNBUILT_IN_PROJECT or field in UNBUILT_IN_OPERATION
    assert any(where) or unbuilt, f"{field} is accepted and not read: read it, or let it stop automation"
    if field in READ:
        assert name in attributes(READ[field]), f"{READ[field]} does not read {field}"


def test_the_tables_name_fields_that_there_are() -> None:
    fields = set(every_field())
    known = fields | {field.partition(".")[0] for field in fields}
    tables = (READ, WHOLE, HARMLESS, UNBUILT, UNBUILT_IN_PROJECT, UNBUILT_IN_OPERATION)
    assert [name for table in tables for name in table if name not in known] == []
    assert [parent for parent in WHOLE.values() if parent not in READ] == []


def application(spec: dict[str, Any]) -> Application:
    destination = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
    return msgspec.convert({"metadata": {"name": "shop"}, "spec": {"destination": destination} | spec}, Application)


def project(**spec: Any) -> Project:
    return msgspec.convert({"metadata": {"name": "team"}, "spec": spec}, Project)


@pytest.mark.parametrize("field", UNBUILT)
def test_a_field_of_an_application_that_is_not_acted_on_is_named(field: str) -> None:
    spec, place = UNBUILT[field]
    (found,) = unbuilt_fields(application(spec), project())
    assert str(found).startswith(place)


@pytest.mark.parametrize("field", UNBUILT_IN_PROJECT)
def test_a_field_of_a_project_that_is_not_acted_on_is_named(field: str) -> None:
    spec, place = UNBUILT_IN_PROJECT[field]
    (found,) = unbuilt_fields(application({"source": SOURCE}), project(**spec))
    assert str(found).startswith(place)


@pytest.mark.parametrize("field", UNBUILT_IN_OPERATION)
def test_a_field_of_an_operation_that_is_not_acted_on_is_named(field: str) -> None:
    body, place = UNBUILT_IN_OPERATION[field]
    assert unbuilt_operation(msgspec.convert(body, Operation)).startswith(place)


HARMLESS_SPECS: dict[str, dict[str, Any]] = {
    "a jsonnet block": {
        "source": SOURCE | {"directory": {"jsonnet": {"extVars": [{"name": "a", "value": "b"}], "libs": ["lib"]}}},
    },
    "remarks": {"source": SOURCE, "info": [{"name": "url", "value": "https://shop.example"}]},
    "a Helm version": {"source": SOURCE | {"helm": {"version": "v3"}}},
    "a retry without refresh": {"source": SOURCE, "syncPolicy": {"retry": {"limit": 5, "refresh": False}}},
}


@pytest.mark.parametrize("what", HARMLESS_SPECS)
def test_what_is_harmless_stops_nothing(what: str) -> None:
    team = project(
        description="d",
        roles=[{"name": "r", "policies": ["p"]}],
        orphanedResources={"warn": True},
        destinationServiceAccounts=[{"server": "*", "namespace": "*", "defaultServiceAccount": "x"}],
    )
    assert unbuilt_fields(application(HARMLESS_SPECS[what]), team) == []


def test_a_block_that_is_refused_is_named() -> None:
    spec = {"source": SOURCE, "sourceHydrator": {"drySource": {"repoURL": "https://git.example/dry"}}}
    assert any("sourceHydrator" in text for text in problems(application(spec), project()))


@functools.cache
def literals() -> set[str]:
    """The texts of the planner and of what it hands its work to, docstrings aside."""
    found: set[str] = set()
    for package in ("plan", "apply", "diff"):
        for file in (SOURCE_CODE / package).glob("*.py"):
            nodes = list(ast.walk(ast.parse(file.read_text())))
            remarks = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
            found |= {str(node.value) for node in nodes if isinstance(node, ast.Constant) and id(node) not in remarks}
    return found


@pytest.mark.parametrize("option", sorted(KNOWN))
def test_a_sync_option_is_read(option: str) -> None:
    assert any(text.startswith(option) for text in literals()), f"{option} is accepted and not read"
