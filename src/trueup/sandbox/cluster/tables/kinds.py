"""The tables of the built-in kinds, column by column, as kubernetes ``pkg/printers/internalversion`` has them.

What the types of columns say is not always what the cells hold: neither is changed here.
"""

from collections.abc import Mapping

from trueup.sandbox.cluster.tables import autoscaling, events, networking, nodes, pods, policies, storage, workloads
from trueup.sandbox.cluster.tables.cells import (
    NONE,
    UNSET,
    age_at,
    at,
    count_at,
    images_at,
    joined_at,
    labels_at,
    names_at,
    selector_at,
    size_of,
)
from trueup.sandbox.cluster.tables.column import AGE, CREATED_DESCRIPTION, NAME, Column, Printer, boolean, integer, wide
from trueup.sandbox.cluster.tables.durations import UNKNOWN
from trueup.sandbox.cluster.tables.storage import flag_at

CREATED_AT = Column(
    "Created At", at("metadata.creationTimestamp", "0001-01-01T00:00:00Z"), "date", description=CREATED_DESCRIPTION
)
DEFAULT = Printer((NAME, CREATED_AT))
"""For kinds without a table of their own."""

TEMPLATE = "spec.template.spec.containers"
REPLICAS = (
    NAME,
    integer("Desired", count_at("spec.replicas")),
    integer("Current", count_at("status.replicas")),
    integer("Ready", count_at("status.readyReplicas")),
    AGE,
    wide("Containers", names_at(TEMPLATE)),
    wide("Images", images_at(TEMPLATE)),
)
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
EVENT = Printer(
    (
        Column("Last Seen", events.last_seen_cell),
        Column("Type", at("type")),
        Column("Reason", at("reason")),
        Column("Object", events.object_cell),
        wide("Subobject", at("involvedObject.fieldPath")),
        wide("Source", events.source_cell),
        Column("Message", events.message_cell),
        wide("First Seen", events.first_seen_cell),
        wide("Count", events.count_cell),
        wide("Name", at("metadata.name"), format="name"),
    ),
    api_version="v1",
)
NAME_AND_AGE = Printer((NAME, AGE))

CORE: Mapping[str, Printer] = {
    "ComponentStatus": Printer(
        (
            NAME,
            Column("Status", workloads.component_cell("status")),
            Column("Message", workloads.component_cell("message")),
            Column("Error", workloads.component_cell("error")),
        )
    ),
    "ConfigMap": Printer((NAME, Column("Data", size_of("data", "binaryData")), AGE)),
    "Endpoints": Printer((NAME, Column("Endpoints", networking.endpoints_cell), AGE)),
    "Event": EVENT,
    "Namespace": Printer((NAME, Column("Status", at("status.phase")), AGE)),
    "Node": Printer(
        (
            NAME,
            Column("Status", nodes.status_cell),
            Column("Roles", nodes.roles_cell),
            AGE,
            Column("Version", at("status.nodeInfo.kubeletVersion")),
            wide("Internal-IP", nodes.address_cell("InternalIP")),
            wide("External-IP", nodes.address_cell("ExternalIP")),
            wide("OS-Image", at("status.nodeInfo.osImage", UNKNOWN)),
            wide("Kernel-Version", nodes.kernel_cell),
            wide("Container-Runtime", at("status.nodeInfo.containerRuntimeVersion", UNKNOWN)),
        )
    ),
    "PersistentVolume": Printer(
        (
            NAME,
            Column("Capacity", storage.volume_capacity_cell),
            Column("Access Modes", storage.volume_modes_cell),
            Column("Reclaim Policy", at("spec.persistentVolumeReclaimPolicy")),
            Column("Status", storage.phase_cell),
            Column("Claim", storage.claimed_cell),
            Column("StorageClass", storage.class_cell),
            Column("VolumeAttributesClass", at("spec.volumeAttributesClassName", UNSET)),
            Column("Reason", at("status.reason")),
            AGE,
            wide("VolumeMode", at("spec.volumeMode", UNSET)),
        )
    ),
    "PersistentVolumeClaim": Printer(
        (
            NAME,
            Column("Status", storage.phase_cell),
            Column("Volume", at("spec.volumeName")),
            Column("Capacity", storage.claim_capacity_cell),
            Column("Access Modes", storage.claim_modes_cell),
            Column("StorageClass", storage.class_cell),
            Column("VolumeAttributesClass", at("spec.volumeAttributesClassName", UNSET)),
            AGE,
            wide("VolumeMode", at("spec.volumeMode", UNSET)),
        )
    ),
    "Pod": Printer(
        (
            NAME,
            Column("Ready", pods.ready_cell),
            Column("Status", pods.status_cell),
            Column("Restarts", pods.restarts_cell),
            AGE,
            wide("IP", pods.address_cell),
            wide("Node", at("spec.nodeName", NONE)),
            wide("Nominated Node", at("status.nominatedNodeName", NONE)),
            wide("Readiness Gates", pods.gates_cell),
        ),
        row_conditions=pods.row_conditions,
    ),
    "PodTemplate": Printer(
        (
            NAME,
            Column("Containers", names_at("template.spec.containers")),
            Column("Images", images_at("template.spec.containers")),
            Column("Pod Labels", labels_at("template.metadata.labels")),
        )
    ),
    "ReplicationController": Printer((*REPLICAS, wide("Selector", labels_at("spec.selector")))),
    "ResourceQuota": Printer(
        (
            NAME,
            Column("Request", workloads.quota_cell(limits=False)),
            Column("Limit", workloads.quota_cell(limits=True)),
            AGE,
        )
    ),
    "Secret": Printer((NAME, Column("Type", at("type")), Column("Data", size_of("data")), AGE)),
    "Service": Printer(
        (
            NAME,
            Column("Type", at("spec.type")),
            Column("Cluster-IP", networking.cluster_ip_cell),
            Column("External-IP", networking.external_ip_cell),
            Column("Port(s)", networking.ports_cell),
            AGE,
            wide("Selector", labels_at("spec.selector")),
        )
    ),
    "ServiceAccount": NAME_AND_AGE,
}

APPS: Mapping[str, Printer] = {
    "ControllerRevision": Printer(
        (NAME, Column("Controller", workloads.controller_cell), Column("Revision", count_at("revision")), AGE)
    ),
    "DaemonSet": Printer(
        (
            NAME,
            integer("Desired", count_at("status.desiredNumberScheduled")),
            integer("Current", count_at("status.currentNumberScheduled")),
            integer("Ready", count_at("status.numberReady")),
            integer("Up-to-date", count_at("status.updatedNumberScheduled")),
            integer("Available", count_at("status.numberAvailable")),
            Column("Node Selector", labels_at("spec.template.spec.nodeSelector")),
            AGE,
            wide("Containers", names_at(TEMPLATE)),
            wide("Images", images_at(TEMPLATE)),
            wide("Selector", selector_at("spec.selector")),
        )
    ),
    "Deployment": Printer(
        (
            NAME,
            Column("Ready", workloads.ready_cell),
            Column("Up-to-date", count_at("status.updatedReplicas")),
            Column("Available", count_at("status.availableReplicas")),
            AGE,
            wide("Containers", names_at(TEMPLATE)),
            wide("Images", images_at(TEMPLATE)),
            wide("Selector", workloads.deployment_selector_cell),
        )
    ),
    "ReplicaSet": Printer((*REPLICAS, wide("Selector", selector_at("spec.selector")))),
    "StatefulSet": Printer(
        (
            NAME,
            Column("Ready", workloads.ready_cell),
            AGE,
            wide("Containers", names_at(TEMPLATE)),
            wide("Images", images_at(TEMPLATE)),
        )
    ),
}

BATCH: Mapping[str, Printer] = {
    "CronJob": Printer(
        (
            NAME,
            Column("Schedule", at("spec.schedule")),
            Column("Timezone", at("spec.timeZone", NONE)),
            boolean("Suspend", workloads.suspend_cell),
            integer("Active", size_of("status.active")),
            Column("Last Schedule", age_at("status.lastScheduleTime", NONE)),
            AGE,
            wide("Containers", names_at("spec.jobTemplate.spec.template.spec.containers")),
            wide("Images", images_at("spec.jobTemplate.spec.template.spec.containers")),
            wide("Selector", selector_at("spec.jobTemplate.spec.selector")),
        )
    ),
    "Job": Printer(
        (
            NAME,
            Column("Status", workloads.job_status_cell),
            Column("Completions", workloads.completions_cell),
            Column("Duration", workloads.duration_cell),
            AGE,
            wide("Containers", names_at(TEMPLATE)),
            wide("Images", images_at(TEMPLATE)),
            wide("Selector", selector_at("spec.selector")),
        )
    ),
}

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
