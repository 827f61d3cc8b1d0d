"""The API without HTTP: requests in, responses out, exactly as k8s.io/apiserver would answer them."""

from pocketkube.cluster.api.request import Request, Response, Stream, User
from pocketkube.cluster.api.service import Api

__all__ = ["Api", "Request", "Response", "Stream", "User"]
