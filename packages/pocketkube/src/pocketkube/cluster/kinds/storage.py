"""The storage group."""

from typing import Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import KindRules
from pocketkube.cluster.resource import Object

GROUP: Final = "storage.k8s.io"
_WHOLE_STATUS: Final = ("labels", "annotations", "finalizers", "ownerReferences")
_RESET: Final = (("metadata",), ("spec",))


def _storage_class(obj: Object, problems: Problems) -> None:
    provisioner = obj.get("provisioner", "")
    if not provisioner:
        problems.declared_required("provisioner")
    else:
        problems.each("provisioner", provisioner, names.label_key(provisioner.lower()))
    problems.one_of("reclaimPolicy", obj.get("reclaimPolicy"), ("Delete", "Retain"), required=False)
    modes = ("Immediate", "WaitForFirstConsumer")
    problems.one_of("volumeBindingMode", obj.get("volumeBindingMode"), modes, required=False)


def _attributes_class(obj: Object, problems: Problems) -> None:
    if not obj.get("driverName"):
        problems.required("driverName")


def _driver(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    policies = ("File", "None", "ReadWriteOnceWithFSType")
    problems.one_of("spec.fsGroupPolicy", spec.get("fsGroupPolicy"), policies, required=False)
    modes = ("Persistent", "Ephemeral")
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in modes:
            problems.unsupported("spec.volumeLifecycleModes", mode, modes)


def _attachment(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    for key in ("attacher", "nodeName"):
        if not spec.get(key):
            problems.required(f"spec.{key}")


RULES: Final[dict[tuple[str, str], KindRules]] = {
    (GROUP, "StorageClass"): KindRules(
        check=_storage_class,
        declared_immutable=(("provisioner",), ("parameters",), ("reclaimPolicy",), ("volumeBindingMode",)),
    ),
    (GROUP, "CSIDriver"): KindRules(moves=("spec",), check=_driver, immutable=(("spec", "volumeLifecycleModes"),)),
    (GROUP, "CSINode"): KindRules(),
    (GROUP, "CSIStorageCapacity"): KindRules(immutable=(("nodeTopology",), ("storageClassName",))),
    (GROUP, "VolumeAttachment"): KindRules(
        status=True,
        status_keeps=_WHOLE_STATUS,
        status_resets=_RESET,
        check=_attachment,
        immutable=(("spec",),),
    ),
    (GROUP, "VolumeAttributesClass"): KindRules(check=_attributes_class, immutable=(("driverName",), ("parameters",))),
}
