"""Which cluster this is: its address may be another's tomorrow, the uid of ``kube-system`` never is."""

import hashlib

from kubegrammar import pattern
from trueup.kube.client import Client
from trueup.kube.errors import Forbidden, NotFound
from trueup.runtime.logger import Logger
from trueup.store.kinds import NAMESPACE

_UID = pattern.compile(r"[A-Za-z0-9-]{1,64}")
log = Logger("trueup.cluster")


async def cluster_identity(client: Client) -> str:
    """The uid of the namespace ``kube-system``; what stands for it where that may not be read.

    Raises:
        ApiError: the cluster does not answer.
    """
    try:
        uid = (await client.get(NAMESPACE, "", "kube-system")).uid
    except (Forbidden, NotFound) as error:
        # The certificate tells a cluster from a later one at the same address.
        config = client.config
        known = config.server.encode() + b"\0" + config.ca_data
        log.warning("the cluster's identity cannot be read, its address stands for it", error=str(error))
        return f"address-{hashlib.sha256(known).hexdigest()[:32]}"
    # It becomes the name of a folder, and a server may answer anything.
    return uid if _UID.fullmatch(uid) else f"uid-{hashlib.sha256(uid.encode()).hexdigest()[:32]}"
