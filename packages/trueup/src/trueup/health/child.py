"""Child Applications, where the settings have them judged: Argo CD judges none by itself, but its manual gives a script
for it that nearly every app-of-apps installation has. That script is known by its text and done here."""

from typing import Any

from trueup.health.read import section, text
from trueup.model.health import Health, HealthCode

_SCRIPT = """
hs = {}
hs.status = "Progressing"
hs.message = ""
if obj.status ~= nil then
  if obj.status.health ~= nil then
    hs.status = obj.status.health.status
    if obj.status.health.message ~= nil then
      hs.message = obj.status.health.message
    end
  end
end
return hs
"""


def check(obj: dict[str, Any]) -> Health:
    """What a child Application says of itself; Progressing while it says nothing."""
    said = section(obj, "status", "health")
    try:
        status = HealthCode(text(said, "status") or HealthCode.PROGRESSING)
    except ValueError:
        status = HealthCode.UNKNOWN
    return Health(status, text(said, "message"))


def is_known(script: str) -> bool:
    """Whether a health script of Application is the one of Argo CD's manual; white space, quotes and remarks aside."""
    return _bare(script) == _bare(_SCRIPT)


def _bare(script: str) -> str:
    without_remarks = "\n".join(line.partition("--")[0] for line in script[:5000].split("\n"))
    return "".join(without_remarks.split()).replace("'", '"').removeprefix("local")
