"""Tables made by the server, as ``kubectl get`` shows them."""

from pocketkube.cluster.tables.table import table

__all__ = ["table"]
