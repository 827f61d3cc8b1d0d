"""All that the build of a kustomization reads, and what of it is elsewhere."""

from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry
from trueup.render.closure import Located
from trueup.render.job import Inflation, Input
from trueup.render.kustomize_place import LONGEST_PATH, KustomizePlace
from trueup.render.remote import MAX_REMOTES, RemoteReference


class KustomizeClosure:
    """Gathered by a walk over kustomizations.

    Attributes:
        inputs: files by the path at which they are laid out.
        absent: paths that are looked for, and hold nothing.
        warnings: for people.
        resources: inputs that are read as manifests.
        contained: every file lies in the folder of the kustomization that names it, or below.
        opaque: the first reference to a configuration of which the text does not say what it reads.
        written: kustomizations that name something elsewhere, as they are laid out.
        needed: what is elsewhere and not here yet, by its text.
        charts: to be rendered first.
        reasons: why each of the inputs is among them.
        named: the field that a folder of a kustomization was first named by.
    """

    def __init__(self) -> None:
        self.inputs: dict[str, Input] = {}
        self.absent: set[str] = set()
        self.warnings: list[str] = []
        self.resources: set[str] = set()
        self.contained = True
        self.opaque = ""
        self.written: dict[str, str] = {}
        self.needed: dict[str, RemoteReference] = {}
        self.charts: list[Inflation] = []
        self.reasons: dict[str, str] = {}
        self.named: dict[str, str] = {}
        self._elsewhere: set[str] = set()

    def take(self, laid: str, entry: Entry, ref: str, why: str) -> None:
        """One file, laid out at a path, of the tree of that name."""
        self.reasons.setdefault(laid, why[:LONGEST_PATH])
        self.inputs.setdefault(laid, Input(laid, entry, ref))

    def count(self, remote: RemoteReference) -> None:
        """One more thing elsewhere.

        Raises:
            RenderFailed: they are too many.
        """
        self._elsewhere.add(remote.text)
        if len(self._elsewhere) > MAX_REMOTES:
            raise RenderFailed(
                f"{remote.where}: more than {MAX_REMOTES} bases, files and charts elsewhere",
                hint="copy some into the repository",
            )

    def hide(self, where: str) -> None:
        """The text of a reference does not say what it reads."""
        self.opaque = self.opaque or where[:LONGEST_PATH]

    def take_links(self, place: KustomizePlace, located: Located) -> None:
        """Take the links that a path leads through."""
        # Laid out as links: kustomize resolves what lies behind a link from the real place.
        for link in located.links:
            laid = place.laid(link.path)
            self.take(laid, link, place.ref, "a link on the way to a file")
