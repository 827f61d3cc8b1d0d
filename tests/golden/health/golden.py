"""Pairs ``<kind>/<name>.input.yaml`` → ``<name>.expected.yaml``: an object, and what its health is.

``python -m tests.golden.health.golden`` writes the expected files anew from what the code says now: read the
difference before you commit it.
"""

from pathlib import Path
from typing import Any

import msgspec

from kubegrammar.yaml import dump, load
from trueup.health import assess
from trueup.model.live import LiveObject, Owner
from trueup.model.resource import ResourceKey, group_of

ROOT = Path(__file__).parent


def inputs() -> list[Path]:
    return sorted(ROOT.glob("*/*.input.yaml"))


def expected_path(path: Path) -> Path:
    return path.with_name(path.name.replace(".input.yaml", ".expected.yaml"))


def live_object(obj: dict[str, Any]) -> LiveObject:
    """An object as the cluster would hand it out."""
    metadata = obj["metadata"]
    key = ResourceKey(group_of(obj["apiVersion"]), obj["kind"], metadata.get("namespace", ""), metadata["name"])
    return LiveObject(
        key=key,
        api_version=obj["apiVersion"],
        uid=metadata.get("uid", "uid"),
        resource_version=metadata.get("resourceVersion", "1"),
        body=msgspec.json.encode(obj),
        generation=metadata.get("generation", 0),
        deletion_timestamp=metadata.get("deletionTimestamp", ""),
        labels=metadata.get("labels", {}),
        annotations=metadata.get("annotations", {}),
        finalizers=tuple(metadata.get("finalizers", ())),
        owners=tuple(msgspec.convert(metadata.get("ownerReferences", []), list[Owner])),
    )


def verdict(path: Path) -> dict[str, str] | None:
    """What the code says about one input, as the expected file writes it."""
    health = assess(live_object(load(path.read_bytes(), str(path))))
    if health is None:
        return None
    return {"status": str(health.status)} | ({"message": health.message} if health.message else {})


def main() -> None:
    for path in inputs():
        expected_path(path).write_text(dump(verdict(path)))


if __name__ == "__main__":
    main()
