"""What a chart's text says about it: the capabilities it asks for, what may differ from render to render."""

from kubegrammar import json, pattern
from trueup.render.helm_words import called
from trueup.render.job import PACKED, HelmJob

ARCHIVES = (".tgz", ".tar.gz")
"""Extensions of packed charts."""
_CAPABILITIES = pattern.compile(rb"Capabilities")
_ANSWERABLE = pattern.compile(
    rb"Capabilities\.(?:APIVersions\.Has\s*\(?\s*\"([^\"\\{}]+)\"|(KubeVersion)\b|(HelmVersion)\b)"
)


class Scan:
    """Collects over the files of one closure.

    Attributes:
        suspects: functions that may make the outcome differ from render to render; PACKED where nobody looked.
    """

    def __init__(self) -> None:
        self.suspects: set[str] = set()
        self._mentions = 0
        self._answerable = 0
        self._asked: set[str] = set()
        self._version = False

    def take(self, path: str, data: bytes) -> None:
        """Look at one file; an archive is not opened and counts as asking for everything."""
        if path.endswith(ARCHIVES):
            self._mentions += 1
            self.suspects.add(PACKED)
            return
        self._mentions += len(_CAPABILITIES.findall(data))
        for match in _ANSWERABLE.finditer(data):
            self._answerable += 1
            if match[1] is not None:
                self._asked.add(match[1].decode("utf-8", "replace"))
            self._version = self._version or match[2] is not None
        self.suspects |= called(data)

    def capabilities(self, job: HelmJob, *, constrained: bool) -> dict[str, object]:
        """What of the cluster the outcome depends on (cluster-truths 21)."""
        if self._mentions > self._answerable:
            return {
                "kubeVersion": job.kube_version,
                "apiVersions": json.digest("\n".join(sorted(job.api_versions)).encode()),
            }
        facts: dict[str, object] = {}
        if self._version or constrained:
            facts["kubeVersion"] = job.kube_version
        known = set(job.api_versions)
        if self._asked:
            facts["apiVersions"] = {name: name in known for name in sorted(self._asked)}
        return facts
