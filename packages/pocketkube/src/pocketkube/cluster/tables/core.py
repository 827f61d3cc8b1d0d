"""The tables of the kinds of the core group."""

from collections.abc import Mapping

from pocketkube.cluster.tables import events, networking, nodes, pods, storage, workloads
from pocketkube.cluster.tables.cells import (
    NONE,
    UNSET,
    at,
    count_at,
    images_at,
    labels_at,
    names_at,
    size_of,
)
from pocketkube.cluster.tables.column import AGE, NAME, Column, Printer, integer, wide
from pocketkube.cluster.tables.durations import UNKNOWN

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
