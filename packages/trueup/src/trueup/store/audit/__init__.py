"""The audit trail: one append-only record for each thing that was done or seen.

A name is loaded when it is first asked for: where a trail lies is known without what reads and writes it.
"""

from typing import TYPE_CHECKING

from kubegrammar.facade import facade

if TYPE_CHECKING:
    from trueup.store.audit.search import Filter as Filter
    from trueup.store.audit.search import query as query
    from trueup.store.audit.trail import Trail as Trail

_NAMES = {
    "search": ("Filter", "query"),
    "trail": ("Trail",),
}
"""What each module gives to the rest."""

if not TYPE_CHECKING:
    __getattr__ = facade(__name__, _NAMES)
