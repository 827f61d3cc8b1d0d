"""Tables made by the server, as ``kubectl get`` shows them."""

from trueup.sandbox.cluster.tables.table import table

__all__ = ["table"]
