"""Deleting one object and letting the cache know at once."""

from typing import cast

from trueup.apply.cluster import Cluster, known_type
from trueup.kube.errors import Conflict, NotFound
from trueup.kube.parameters import Propagation
from trueup.model.resource import ResourceKey


async def delete_object(
    cluster: Cluster, key: ResourceKey, api_version: str, uid: str, propagation: str, *, dry_run: bool = False
) -> None:
    """Deletes the object with this uid. One that is gone, replaced by another, or of a kind no longer served is fine;
    one that is already being deleted is left to it.

    Raises:
        ApiError: the server refused.
    """
    type_ = known_type(cluster, api_version, key.kind)
    live = cluster.cache.known(key)
    if type_ is None or (live is not None and live.uid == uid and live.deletion_timestamp):
        return
    way = cast(Propagation, propagation)
    try:
        left = await cluster.client.delete(type_, key.namespace, key.name, propagation=way, uid=uid, dry_run=dry_run)
    except (NotFound, Conflict):
        cluster.cache.removed(key, uid)
        return
    if dry_run:
        return
    if left is None or not left.deletion_timestamp:
        cluster.cache.removed(key, uid)
    else:
        cluster.cache.stored(left)
