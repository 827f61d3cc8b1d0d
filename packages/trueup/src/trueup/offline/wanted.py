"""One object of one application, as it would be sent."""

import msgspec

from trueup.model.manifest import Manifest
from trueup.offline.rendered import Rendered
from trueup.offline.report import Problem, shown


class WantedObject(msgspec.Struct, frozen=True):
    """One object of one application, as it would be sent."""

    rendered: Rendered
    manifest: Manifest

    @property
    def application(self) -> str:
        return self.rendered.declared.name

    def problem(self, message: str, hint: str, field: str = "") -> Problem:
        """Something that is wrong with it, with its place."""
        return Problem(
            application=self.application,
            file=self.rendered.file_of(self.manifest, field),
            object=shown(self.manifest.key, self.manifest.generate_name),
            field=field,
            message=message,
            hint=hint,
        )
