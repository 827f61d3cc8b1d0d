"""The behaviour of a built-in kind: its Go structs, and its rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from kubegrammar.merge import Type, fill_defaults
from pocketkube.cluster import catalog
from pocketkube.cluster.failure import Failure, FieldCause
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import HomeCluster, KindRules, at
from pocketkube.cluster.kinds.scalars import Mismatch
from pocketkube.cluster.kinds.structs import Struct, struct_of
from pocketkube.cluster.resource import Object, ScalePaths

_NOT_OWN = ("apiVersion", "kind", "metadata", "status")


class BuiltIn:
    """One kind of one group.

    Args:
        cluster: what the kind looks up and allocates.
    """

    def __init__(self, group: str, kind: str, rules: KindRules, cluster: HomeCluster) -> None:
        self.group, self.kind, self.rules, self.cluster = group, kind, rules, cluster
        self._package = package_of(group)
        self._structs: dict[str, Struct | None] = {}

    def type_of(self, version: str) -> Type:
        return catalog.type_of(self._api_version(version), self.kind)

    def check(self, obj: Object, version: str) -> None:
        struct = self._struct(version)
        if struct is None:
            return
        try:
            struct.check(obj)
        except Mismatch as mismatch:
            shown = self._api_version(version)
            text = f'{self.kind} in version "{shown.rpartition("/")[2]}" cannot be handled as a {self.kind}'
            raise Failure("BadRequest", f"{text}: {mismatch.message()}") from mismatch

    def blank(self, version: str) -> Object:
        struct = self._struct(version)
        return struct.blank() if struct is not None else {}

    def default(self, obj: Object, version: str) -> None:
        struct = self._struct(version)
        if struct is None:
            fill_defaults(obj, self.type_of(version))
            return
        struct.stored(obj)
        if self.rules.settle:
            self.rules.settle(obj, self._api_version(version))

    def prepare_create(self, obj: Object, version: str) -> None:
        if self.rules.status:
            self._empty_status(obj, version)
        if self.rules.numbered:
            obj["metadata"]["generation"] = 1
        self.rules.create(self.cluster, obj)

    def prepare_update(self, old: Object, new: Object, version: str, subresource: str) -> None:
        metadata = new["metadata"]
        if "generation" in old["metadata"]:
            metadata["generation"] = old["metadata"]["generation"]
        else:
            metadata.pop("generation", None)
        if subresource == "status":
            self._keep_all_but_status(old, new)
        elif subresource in ("", "scale"):
            if self.rules.status:
                _keep(old, new, "status")
            self.rules.update(self.cluster, old, new)
            if self._moved(old, new):
                metadata["generation"] = old["metadata"].get("generation", 0) + 1
            return
        self.rules.on_subresource(self.cluster, old, new, subresource)

    def validate(self, obj: Object, version: str) -> list[FieldCause]:
        problems = Problems()
        self.rules.check(self._internal(obj), problems)
        return problems.all()

    def validate_update(self, old: Object, new: Object, version: str, subresource: str) -> list[FieldCause]:
        problems = Problems()
        old, new = self._internal(old), self._internal(new)
        if subresource not in ("", "scale"):
            self.rules.change_subresource(old, new, subresource, problems)
            return problems.all()
        if not self.rules.immutable_first:
            self.rules.check(new, problems)
        for path in self.rules.immutable:
            problems.immutable(".".join(path), at(old, *path), at(new, *path))
        if self.rules.immutable_first:
            self.rules.check(new, problems)
        for path in self.rules.declared_immutable:
            problems.declared_immutable(".".join(path), at(old, *path), at(new, *path))
        self.rules.change(old, new, problems)
        return problems.all()

    def name_problems(self, name: str) -> list[str]:
        """What is wrong with ``metadata.name`` as a name of this kind."""
        return self.rules.name(name)

    @property
    def refused_as(self) -> tuple[str, str]:
        """The kind and the group that a 422 names; events are refused as those of the core group by either."""
        return (self.kind, "") if self.kind == "Event" else (self.kind, self.group)

    def warnings(self, obj: Object, version: str) -> Sequence[str]:
        return self.rules.warn(obj) if self.rules.warn else ()

    def convert(self, obj: Object, version: str) -> Object:
        if obj.get("apiVersion") == version:
            return obj
        if self.rules.convert:
            return self.rules.convert(obj, version)
        return obj | {"apiVersion": version}

    def reset_fields(self, version: str, subresource: str) -> Sequence[tuple[str, ...]]:
        if subresource == "status":
            return self.rules.status_resets
        return (("status",),) if self.rules.status else ()

    def scale_paths(self, version: str) -> ScalePaths | None:
        return self.rules.scale

    def field_labels(self, obj: Object) -> Mapping[str, str]:
        return self.rules.labels(obj) if self.rules.labels else {}

    def _api_version(self, version: str) -> str:
        bare = version.rpartition("/")[2]
        return f"{self.group}/{bare}" if self.group else bare

    def _struct(self, version: str) -> Struct | None:
        bare = version.rpartition("/")[2]
        if bare not in self._structs:
            self._structs[bare] = struct_of(f"{self._package}/{bare}.{self.kind}")
        return self._structs[bare]

    def _internal(self, obj: Object) -> Object:
        """The version whose fields the rules speak of: the newest."""
        newest = NEWEST.get((self.group, self.kind))
        return self.convert(obj, newest) if newest else obj

    def _empty_status(self, obj: Object, version: str) -> None:
        struct = self._struct(version)
        field = struct.fields.get("status") if struct else None
        if field is None:
            obj.pop("status", None)
        else:
            obj["status"] = field.zero()

    def _keep_all_but_status(self, old: Object, new: Object) -> None:
        for key in {*old, *new}:
            if key not in _NOT_OWN:
                _keep(old, new, key)
        for key in self.rules.status_keeps:
            _keep(old["metadata"], new["metadata"], key)

    def _moved(self, old: Object, new: Object) -> bool:
        for key in self.rules.moves:
            before, after = old.get(key), new.get(key)
            if key.startswith("metadata."):
                name = key.removeprefix("metadata.")
                before, after = old["metadata"].get(name) or None, new["metadata"].get(name) or None
            if before != after:
                return True
        return False


NEWEST: Mapping[tuple[str, str], str] = {
    ("autoscaling", "HorizontalPodAutoscaler"): "autoscaling/v2",
    ("events.k8s.io", "Event"): "v1",
}
_PACKAGES: Mapping[str, str] = {
    "rbac.authorization.k8s.io": "rbac",
    "flowcontrol.apiserver.k8s.io": "flowcontrol",
}


def package_of(group: str) -> str:
    """The Go package that a group's kinds are in."""
    return _PACKAGES.get(group) or group.split(".")[0] or "core"


def _keep(old: dict[str, Any], new: dict[str, Any], key: str) -> None:
    """A shallow copy is not needed: what is written is never changed in place afterwards."""
    if key in old:
        new[key] = old[key]
    else:
        new.pop(key, None)
