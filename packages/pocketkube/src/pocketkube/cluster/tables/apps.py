"""The tables of the kinds that run Pods: ``apps`` and ``batch``."""

from collections.abc import Mapping

from pocketkube.cluster.tables import workloads
from pocketkube.cluster.tables.cells import (
    NONE,
    age_at,
    at,
    count_at,
    images_at,
    labels_at,
    names_at,
    selector_at,
    size_of,
)
from pocketkube.cluster.tables.column import AGE, NAME, Column, Printer, boolean, integer, wide
from pocketkube.cluster.tables.core import REPLICAS, TEMPLATE

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
