"""The AppProject object: what its applications may use."""

from typing import Any

from trueup.model.application import Destination, Fields, Metadata, ResourceRule


class ProjectRole(Fields, frozen=True, kw_only=True):
    name: str = ""
    description: str = ""
    policies: list[str] = []
    groups: list[str] = []
    jwt_tokens: list[dict[str, Any]] = []


class SyncWindow(Fields, frozen=True, kw_only=True):
    kind: str = ""
    schedule: str = ""
    duration: str = ""
    applications: list[str] = []
    namespaces: list[str] = []
    clusters: list[str] = []
    manual_sync: bool = False
    time_zone: str = ""
    and_operator: bool = False
    description: str = ""
    sync_overrun: bool = False


class OrphanIgnore(Fields, frozen=True, kw_only=True):
    group: str = ""
    kind: str = ""
    name: str = ""


class OrphanedResources(Fields, frozen=True, kw_only=True):
    warn: bool | None = None
    ignore: list[OrphanIgnore] = []


class SignatureKey(Fields, frozen=True, kw_only=True):
    key_id: str = ""


class DestinationServiceAccount(Fields, frozen=True, kw_only=True):
    server: str = ""
    namespace: str = ""
    default_service_account: str = ""


class ProjectSpec(Fields, frozen=True, kw_only=True):
    """Lists that are None and lists that are empty differ for namespaced kinds: all against none."""

    source_repos: list[str] = []
    destinations: list[Destination] = []
    description: str = ""
    roles: list[ProjectRole] = []
    cluster_resource_whitelist: list[ResourceRule] = []
    namespace_resource_blacklist: list[ResourceRule] = []
    orphaned_resources: OrphanedResources | None = None
    sync_windows: list[SyncWindow] = []
    namespace_resource_whitelist: list[ResourceRule] | None = None
    signature_keys: list[SignatureKey] = []
    cluster_resource_blacklist: list[ResourceRule] = []
    source_namespaces: list[str] = []
    permit_only_project_scoped_clusters: bool = False
    destination_service_accounts: list[DestinationServiceAccount] = []
    source_integrity: dict[str, Any] | None = None


class Project(Fields, frozen=True, kw_only=True):
    api_version: str = ""
    kind: str = ""
    metadata: Metadata = Metadata()
    spec: ProjectSpec = ProjectSpec()
