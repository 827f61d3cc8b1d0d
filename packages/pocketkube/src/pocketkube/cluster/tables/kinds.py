"""The tables of the built-in kinds, column by column, as kubernetes ``pkg/printers/internalversion`` has them.

What the types of columns say is not always what the cells hold: neither is changed here.
"""

from collections.abc import Mapping

from pocketkube.cluster.tables import autoscaling, networking, policies, storage, workloads
from pocketkube.cluster.tables.apps import APPS, BATCH
from pocketkube.cluster.tables.cells import (
    NONE,
    age_at,
    at,
    count_at,
    joined_at,
    labels_at,
    selector_at,
    size_of,
)
from pocketkube.cluster.tables.column import AGE, CREATED_DESCRIPTION, NAME, Column, Printer, boolean, integer, wide
from pocketkube.cluster.tables.core import CORE, EVENT, NAME_AND_AGE
from pocketkube.cluster.tables.storage import flag_at

CREATED_AT = Column(
    "Created At", at("metadata.creationTimestamp", "0001-01-01T00:00:00Z"), "date", description=CREATED_DESCRIPTION
)
DEFAULT = Printer((NAME, CREATED_AT))
"""For kinds without a table of their own."""

WEBHOOKS = Printer((NAME, integer("Webhooks", size_of("webhooks")), AGE))
POLICY_BINDING = Printer(
    (NAME, Column("PolicyName", at("spec.policyName")), Column("ParamRef", policies.param_cell), AGE)
)
ROLE_BINDING = Printer(
    (
        NAME,
        Column("Role", policies.role_cell),
        AGE,
        wide("Users", policies.subjects_cell("User")),
        wide("Groups", policies.subjects_cell("Group")),
        wide("ServiceAccounts", policies.subjects_cell("ServiceAccount")),
    )
)


NETWORKING: Mapping[str, Printer] = {
    "IPAddress": Printer((NAME, Column("ParentRef", networking.parent_cell)), unnamed=(AGE.cell,)),
    "Ingress": Printer(
        (
            NAME,
            Column("Class", at("spec.ingressClassName", NONE)),
            Column("Hosts", networking.hosts_cell),
            Column("Address", networking.ingress_address_cell),
            Column("Ports", networking.ingress_ports_cell),
            AGE,
        )
    ),
    "IngressClass": Printer(
        (
            Column("Name", networking.class_name_cell, format="name", description=NAME.description),
            Column("Controller", at("spec.controller")),
            Column("Parameters", networking.class_parameters_cell),
            AGE,
        )
    ),
    "NetworkPolicy": Printer((NAME, Column("Pod-Selector", selector_at("spec.podSelector")), AGE)),
    "ServiceCIDR": Printer((NAME, Column("CIDRs", joined_at("spec.cidrs")), AGE)),
}

STORAGE: Mapping[str, Printer] = {
    "CSIDriver": Printer(
        (
            NAME,
            boolean("AttachRequired", flag_at("spec.attachRequired", True)),
            boolean("PodInfoOnMount", flag_at("spec.podInfoOnMount", False)),
            boolean("StorageCapacity", flag_at("spec.storageCapacity", False)),
            Column("TokenRequests", storage.audiences_cell),
            boolean("RequiresRepublish", flag_at("spec.requiresRepublish", False)),
            Column("Modes", joined_at("spec.volumeLifecycleModes", NONE)),
            AGE,
        )
    ),
    "CSINode": Printer((NAME, integer("Drivers", size_of("spec.drivers")), AGE)),
    "StorageClass": Printer(
        (
            NAME,
            Column("Provisioner", at("provisioner")),
            Column("ReclaimPolicy", at("reclaimPolicy", "Delete")),
            Column("VolumeBindingMode", at("volumeBindingMode", "Immediate")),
            Column("AllowVolumeExpansion", flag_at("allowVolumeExpansion", False)),
            AGE,
        ),
        finish=storage.mark_default_class,
    ),
    "VolumeAttachment": Printer(
        (
            NAME,
            Column("Attacher", at("spec.attacher"), format="name"),
            Column("PV", at("spec.source.persistentVolumeName")),
            Column("Node", at("spec.nodeName")),
            boolean("Attached", flag_at("status.attached", False)),
            AGE,
        )
    ),
    "VolumeAttributesClass": Printer((NAME, Column("DriverName", at("driverName")), AGE)),
}

ADMISSION: Mapping[str, Printer] = {
    "MutatingAdmissionPolicy": Printer(
        (NAME, integer("Mutations", size_of("spec.mutations")), Column("ParamKind", policies.param_kind_cell), AGE)
    ),
    "MutatingAdmissionPolicyBinding": POLICY_BINDING,
    "MutatingWebhookConfiguration": WEBHOOKS,
    "ValidatingAdmissionPolicy": Printer(
        (NAME, integer("Validations", size_of("spec.validations")), Column("ParamKind", policies.param_kind_cell), AGE)
    ),
    "ValidatingAdmissionPolicyBinding": POLICY_BINDING,
    "ValidatingWebhookConfiguration": WEBHOOKS,
}

CERTIFICATES: Mapping[str, Printer] = {
    "CertificateSigningRequest": Printer(
        (
            NAME,
            AGE,
            Column("SignerName", at("spec.signerName", NONE)),
            Column("Requestor", at("spec.username")),
            Column("RequestedDuration", policies.certificate_duration_cell),
            Column("Condition", policies.certificate_state_cell),
        )
    ),
    "ClusterTrustBundle": Printer((NAME, Column("SignerName", at("spec.signerName", NONE)))),
    "PodCertificateRequest": Printer(
        (
            NAME,
            Column("PodName", at("spec.podName")),
            Column("ServiceAccountName", at("spec.serviceAccountName")),
            Column("NodeName", at("spec.nodeName")),
            Column("SignerName", at("spec.signerName")),
            Column("State", policies.pod_certificate_state_cell),
            Column("UnverifiedUserAnnotations", labels_at("spec.unverifiedUserAnnotations")),
        )
    ),
}

FLOW_CONTROL: Mapping[str, Printer] = {
    "FlowSchema": Printer(
        (
            NAME,
            Column("PriorityLevel", at("spec.priorityLevelConfiguration.name")),
            Column("MatchingPrecedence", count_at("spec.matchingPrecedence")),
            Column("DistinguisherMethod", at("spec.distinguisherMethod.type", NONE)),
            AGE,
            Column("MissingPL", policies.dangling_cell),
        ),
        order=policies.sort_flow_schemas,
    ),
    "PriorityLevelConfiguration": Printer(
        (
            NAME,
            Column("Type", at("spec.type")),
            Column("NominalConcurrencyShares", policies.limit_cell("nominalConcurrencyShares")),
            Column("Queues", policies.limit_cell("limitResponse", "queuing", "queues")),
            Column("HandSize", policies.limit_cell("limitResponse", "queuing", "handSize")),
            Column("QueueLengthLimit", policies.limit_cell("limitResponse", "queuing", "queueLengthLimit")),
            AGE,
        )
    ),
}

RESOURCE: Mapping[str, Printer] = {
    "DeviceClass": NAME_AND_AGE,
    "DeviceTaintRule": Printer(
        (
            NAME,
            Column("Key", at("spec.taint.key")),
            Column("Value", at("spec.taint.value")),
            Column("Effect", at("spec.taint.effect")),
            Column("TimeAdded", age_at("spec.taint.timeAdded", "")),
            AGE,
        )
    ),
    "ResourceClaim": Printer((NAME, Column("State", workloads.claim_state_cell), AGE)),
    "ResourceClaimTemplate": NAME_AND_AGE,
    "ResourceSlice": Printer(
        (
            NAME,
            Column("Node", at("spec.nodeName")),
            Column("Driver", at("spec.driver")),
            Column("Pool", at("spec.pool.name")),
            AGE,
        )
    ),
}

PRINTERS: Mapping[str, Mapping[str, Printer]] = {
    "": CORE,
    "admissionregistration.k8s.io": ADMISSION,
    "apiextensions.k8s.io": {
        "CustomResourceDefinition": Printer(
            (
                NAME,
                Column("Scope", at("spec.scope")),
                Column("Versions", policies.versions_cell),
                CREATED_AT,
                wide("Group", at("spec.group")),
                wide("Kind", at("spec.names.kind")),
                wide("ShortNames", joined_at("spec.names.shortNames")),
                Column("Established", policies.established_cell, "boolean", priority=1),
            )
        )
    },
    "apiregistration.k8s.io": {
        "APIService": Printer(
            (NAME, Column("Service", policies.service_cell), Column("Available", workloads.available_cell), AGE)
        )
    },
    "apps": APPS,
    "autoscaling": {
        "HorizontalPodAutoscaler": Printer(
            (
                NAME,
                Column("Reference", autoscaling.reference_cell),
                Column("Targets", autoscaling.targets_cell),
                Column("MinPods", autoscaling.least_cell),
                Column("MaxPods", count_at("spec.maxReplicas")),
                Column("Replicas", count_at("status.currentReplicas")),
                AGE,
            ),
            api_version="autoscaling/v2",
        )
    },
    "batch": BATCH,
    "certificates.k8s.io": CERTIFICATES,
    "coordination.k8s.io": {"Lease": Printer((NAME, Column("Holder", at("spec.holderIdentity")), AGE))},
    "discovery.k8s.io": {
        "EndpointSlice": Printer(
            (
                NAME,
                Column("AddressType", at("addressType")),
                Column("Ports", networking.slice_ports_cell),
                Column("Endpoints", networking.slice_endpoints_cell),
                AGE,
            )
        )
    },
    "events.k8s.io": {"Event": EVENT},
    "flowcontrol.apiserver.k8s.io": FLOW_CONTROL,
    "networking.k8s.io": NETWORKING,
    "node.k8s.io": {"RuntimeClass": Printer((NAME, Column("Handler", at("handler")), AGE))},
    "policy": {
        "PodDisruptionBudget": Printer(
            (
                NAME,
                Column("Min Available", workloads.budget_cell("minAvailable")),
                Column("Max Unavailable", workloads.budget_cell("maxUnavailable")),
                integer("Allowed Disruptions", count_at("status.disruptionsAllowed")),
                AGE,
            )
        )
    },
    "rbac.authorization.k8s.io": {"ClusterRoleBinding": ROLE_BINDING, "RoleBinding": ROLE_BINDING},
    "resource.k8s.io": RESOURCE,
    "scheduling.k8s.io": {
        "PriorityClass": Printer(
            (
                NAME,
                integer("Value", count_at("value")),
                boolean("Global-Default", flag_at("globalDefault", False)),
                AGE,
                Column("PreemptionPolicy", at("preemptionPolicy")),
            )
        )
    },
    "storage.k8s.io": STORAGE,
    "storagemigration.k8s.io": {
        "StorageVersionMigration": Printer(
            (
                Column("Name", at("metadata.name"), description=NAME.description),
                Column("Resource", workloads.migrated_cell),
                Column("Status", workloads.migration_cell),
            )
        )
    },
}
"""By group, then kind."""


def printer_of(group: str, kind: str) -> Printer:
    """The table of a built-in kind."""
    return PRINTERS.get(group, {}).get(kind, DEFAULT)
