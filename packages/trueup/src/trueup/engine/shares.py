"""On whose behalf work is done, for fair shares of what there is."""

from trueup.controllers.repository import Repositories
from trueup.engine.git import GitMirrors
from trueup.model.share import Share, Urgency
from trueup.observe.targets import urgency_of
from trueup.store.applications import Applications


class Shares:
    """Whose work it is."""

    def __init__(self, applications: Applications, repositories: Repositories, git: GitMirrors) -> None:
        self._applications, self._repositories, self._git = applications, repositories, git

    def of_application(self, key: str) -> Share:
        """The share that a pass over an application is."""
        stored = self._applications.get(key)
        if stored is None:
            return Share(repository=key, urgency=Urgency.NEWS)
        app = stored.app
        repositories = app.spec.repositories()
        repository = self._git.mirrors.identity(repositories[0]) if repositories else key
        return Share(app.spec.project or "default", repository, urgency_of(app), key)

    def of_repository(self, repository: str) -> Share:
        """A repository that several projects read is looked at on behalf of the one that has the least under way.

        Args:
            repository: its identity.
        """
        identity = self._git.mirrors.identity
        projects = {each.project for each in self._applications.readers() if identity(each) == repository}
        if not projects:
            # Read for a base elsewhere alone.
            found = [self._applications.get(key) for key in self._repositories.readers(repository)]
            projects = {stored.app.spec.project or "default" for stored in found if stored is not None}
        project = min(projects, key=lambda name: (self._git.slots.load(name), name), default="")
        return Share(project, repository, self._repositories.urgency(repository))
