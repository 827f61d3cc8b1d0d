"""The typed merge behind server-side apply: types, ownership of fields, patches.

The rules are those of ``sigs.k8s.io/structured-merge-diff`` and ``k8s.io/apimachinery``.
"""

from kubegrammar.merge.apply import apply, is_unchanged, predict, track_update
from kubegrammar.merge.conflicts import Conflicts, FieldConflict
from kubegrammar.merge.defaults import fill_defaults
from kubegrammar.merge.schema import DEDUCED, Type, Types, compile_type
from kubegrammar.merge.strategic import PatchError, strategic_merge
from kubegrammar.merge.threeway import Merging, Patch, identities, three_way
from kubegrammar.merge.typed import TypedError, validate
from kubegrammar.merge.unknown import prune, unknown_fields
from kubegrammar.merge.writing import Versions

__all__ = [
    "DEDUCED",
    "Conflicts",
    "FieldConflict",
    "Merging",
    "Patch",
    "PatchError",
    "Type",
    "TypedError",
    "Types",
    "Versions",
    "apply",
    "compile_type",
    "fill_defaults",
    "identities",
    "is_unchanged",
    "predict",
    "prune",
    "strategic_merge",
    "three_way",
    "track_update",
    "unknown_fields",
    "validate",
]
