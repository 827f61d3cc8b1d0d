"""The AppProject object: what its applications may use."""

from typing import Any

import msgspec

from trueup.model.application import Destination, ResourceRule
from trueup.model.fields import Fields, Metadata, written_text


class ProjectRole(Fields, frozen=True, kw_only=True):
    """A role within the project.

    Attributes:
        name: Name of the role; its subject is proj:project:role.
        description: What the role is for.
        policies: Policy lines that say what the role may do with the project's objects.
        groups: Groups of the identity provider that have the role.
        jwt_tokens: Tokens issued for the role.
    """

    name: str = written_text()
    description: str = ""
    policies: list[str] = []
    groups: list[str] = []
    jwt_tokens: list[dict[str, Any]] = []


class SyncWindow(Fields, frozen=True, kw_only=True):
    """A time at which syncs are allowed or denied.

    Attributes:
        kind: allow or deny. An active deny wins; an allow denies while it is not active.
        schedule: Start of the window, as five cron fields.
        duration: Length of the window, such as 1h30m.
        applications: Applications concerned, by name; globs.
        namespaces: Destination namespaces concerned; globs.
        clusters: Destination clusters concerned, by name or URL; globs.
        manual_sync: Allow manual syncs all the same.
        time_zone: Time zone of the schedule, such as Europe/Madrid; UTC when empty.
        and_operator: Applications, namespaces and clusters must all match, instead of any one of them.
        description: What the window is for.
        sync_overrun: Let a sync that was allowed at its start go on to its end.
    """

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
    """Objects that are not reported as orphaned.

    Attributes:
        group: API group; a glob.
        kind: Kind; a glob.
        name: Name; a glob.
    """

    group: str = ""
    kind: str = ""
    name: str = ""


class OrphanedResources(Fields, frozen=True, kw_only=True):
    """Watching for objects, in the applications' namespaces, that no application owns.

    Attributes:
        warn: Put a warning condition on the applications.
        ignore: Objects that are not reported.
    """

    warn: bool | None = None
    ignore: list[OrphanIgnore] = []


class SignatureKey(Fields, frozen=True, kw_only=True):
    """A key that commits may be signed with.

    Attributes:
        key_id: Id of the GnuPG key, in hexadecimal.
    """

    key_id: str = written_text("keyID")


class DestinationServiceAccount(Fields, frozen=True, kw_only=True):
    """The service account that syncs to a destination act as. The first entry that matches counts.

    Attributes:
        server: URL of the cluster's API server; a glob.
        namespace: Destination namespace; a glob.
        default_service_account: Service account, as name or namespace:name.
    """

    server: str = written_text()
    namespace: str = ""
    default_service_account: str = written_text()


class ProjectSpec(Fields, frozen=True, kw_only=True):
    """What the project's applications may use. In lists, an entry that begins with ! denies.

    Lists that are None and lists that are empty differ for namespaced kinds: all against none.

    Attributes:
        source_repos: Repository URLs; globs, in which * stops at a slash and a lone * matches all.
        destinations: Clusters and namespaces; globs.
        description: What the project is for.
        roles: Roles within the project.
        cluster_resource_whitelist: Cluster-scoped kinds allowed; none when empty.
        namespace_resource_blacklist: Namespaced kinds denied; wins over the whitelist.
        orphaned_resources: Watch for objects that no application owns.
        sync_windows: Times at which syncs are allowed or denied.
        namespace_resource_whitelist: Namespaced kinds allowed; all when absent, none when empty.
        signature_keys: Keys that commits must be signed with. Superseded by sourceIntegrity.
        cluster_resource_blacklist: Cluster-scoped kinds denied; wins over the whitelist.
        source_namespaces: Namespaces, besides the control namespace, whose applications may use the project; globs.
        permit_only_project_scoped_clusters: Allow only clusters that are registered for this project.
        destination_service_accounts: Service accounts that syncs act as.
        source_integrity: Signature checks of sources, by repository.
    """

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


class ProjectStatus(Fields, frozen=True, kw_only=True):
    """What the project remembers of itself.

    Attributes:
        jwt_tokens_by_role: Tokens issued, by role.
    """

    jwt_tokens_by_role: dict[str, dict[str, Any]] = {}


class Project(Fields, frozen=True, kw_only=True):
    """Limits what a group of applications may use: repositories, destinations and kinds.

    Attributes:
        spec: What the project's applications may use.
        status: What the project remembers of itself.
    """

    api_version: str = ""
    kind: str = ""
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: ProjectSpec = msgspec.field(default_factory=ProjectSpec)
    status: ProjectStatus = ProjectStatus()
