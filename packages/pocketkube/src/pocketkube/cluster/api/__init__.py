"""The API without HTTP: requests in, responses out, exactly as k8s.io/apiserver would answer them."""

from pocketkube.cluster.api.request import ApiRequest, Response, StreamAnswer, User
from pocketkube.cluster.api.service import KubernetesApi

__all__ = ["ApiRequest", "KubernetesApi", "Response", "StreamAnswer", "User"]
