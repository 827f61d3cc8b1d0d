"""Messages between the preparer and its children."""

import msgspec

from trueup.model.application import Source
from trueup.model.public_key import PublicKey
from trueup.model.seal import SopsKeys
from trueup.policy.integrity import Demand
from trueup.render.details import SourceOffer
from trueup.render.environment import RenderContext
from trueup.render.helm_index import ChartOf, Found, Missing
from trueup.render.job import Recipe
from trueup.render.remote import RemoteReference
from trueup.sources.shelved import Shelved
from trueup.sources.tree import TreePlace

MAX_ANSWER = 96 * 1024 * 1024
"""Bytes: the inputs of a render, and their names."""


class HeldTree(msgspec.Struct, frozen=True, tag=True):
    """A tree of one file, whole."""

    content: bytes


class Packed(msgspec.Struct, frozen=True, tag=True):
    """A tree that is a packed chart."""

    content: bytes
    shown: str


class Places(msgspec.Struct, frozen=True):
    """Where a source's trees are: its own, and the others by name."""

    own: TreePlace | Shelved
    refs: dict[str, TreePlace | Shelved | HeldTree | Packed] = {}


class MakeRecipe(msgspec.Struct, frozen=True, tag=True):
    """Asks for a recipe; the answer is :class:`Made`, or :class:`Needs`."""

    source: Source
    places: Places
    context: RenderContext
    index: int
    whole_tree: bool


class ReadInputs(msgspec.Struct, frozen=True, tag=True):
    """Asks for the bytes of a recipe's inputs; the answer is :class:`Inputs`, or :class:`Needs`."""

    recipe: Recipe
    places: Places


class OpenInputs(msgspec.Struct, frozen=True, tag=True):
    """Asks for the bytes of a recipe's inputs, decrypted; the answer is :class:`Inputs`."""

    recipe: Recipe
    places: Places
    keys: SopsKeys


class CheckWhole(msgspec.Struct, frozen=True, tag=True):
    """Asks what was lost; the answer is :class:`Whole`, :class:`Needs`, or a refusal."""

    recipe: Recipe
    barren: tuple[str, ...]
    now: Places
    before: tuple[Places, ...]


class FindCharts(msgspec.Struct, frozen=True, tag=True):
    """Asks what the index of a Helm repository says of charts; the answer is :class:`IndexedCharts`, or a refusal."""

    index: bytes
    charts: tuple[ChartOf, ...]


class CheckArchive(msgspec.Struct, frozen=True, tag=True):
    """Asks whether bytes are an archive of a form; the answer is :class:`Whole`, or a refusal."""

    content: bytes
    shown: str
    form: str


class CheckSigned(msgspec.Struct, frozen=True, tag=True):
    """Asks who signed a commit; the answer is :class:`Signatures`.

    Attributes:
        tag: full name and SHA of the annotated tag that it was found by; empty where there is none.
        keyring: armoured public keys.
        known: commits that were found signed, with all that lead to them.
        now: seconds since 1970.
    """

    place: TreePlace
    tag: tuple[str, str]
    demand: Demand
    keyring: tuple[str, ...]
    known: tuple[str, ...]
    now: float


class OfferOf(msgspec.Struct, frozen=True, tag=True):
    """Asks what a source is, and what can be set of it; the answer is :class:`Offered`."""

    source: Source
    places: Places


class ApplicationsOf(msgspec.Struct, frozen=True, tag=True):
    """Asks which folders of a repository a tool is for; the answer is :class:`Listed`."""

    places: Places


class ChartsOf(msgspec.Struct, frozen=True, tag=True):
    """Asks which charts the index of a Helm repository has; the answer is :class:`Listed`."""

    index: bytes
    repository: str


class KeysOf(msgspec.Struct, frozen=True, tag=True):
    """Asks for the OpenPGP keys of some texts; the answer is :class:`Keys`."""

    texts: tuple[str, ...]


Task = (
    MakeRecipe
    | ReadInputs
    | OpenInputs
    | CheckWhole
    | FindCharts
    | CheckArchive
    | CheckSigned
    | OfferOf
    | ApplicationsOf
    | ChartsOf
    | KeysOf
)


class Made(msgspec.Struct, frozen=True, tag=True):
    """A recipe."""

    recipe: Recipe


class Needs(msgspec.Struct, frozen=True, tag=True):
    """A recipe cannot be made before these are fetched."""

    remotes: tuple[RemoteReference, ...]


class Inputs(msgspec.Struct, frozen=True, tag=True):
    """The bytes of every input by its path, and what was encrypted of them."""

    files: dict[str, bytes]
    secrets: tuple[str, ...] = ()


class IndexedCharts(msgspec.Struct, frozen=True, tag=True):
    """What an index says of each."""

    found: tuple[Found | Missing, ...]


class Whole(msgspec.Struct, frozen=True, tag=True):
    """Nothing was lost, or is amiss."""


class Signatures(msgspec.Struct, frozen=True, tag=True):
    """Who signed: problems, and when the first of the keys ends (None: never)."""

    problems: tuple[str, ...]
    until: float | None


class Offered(msgspec.Struct, frozen=True, tag=True):
    """What a source is."""

    offer: SourceOffer


class Listed(msgspec.Struct, frozen=True, tag=True):
    """Folders, each with its tool; or charts, each with its versions."""

    found: dict[str, tuple[str, ...]]


class Keys(msgspec.Struct, frozen=True, tag=True):
    """OpenPGP keys."""

    found: tuple[PublicKey, ...]


class PreparingRefused(msgspec.Struct, frozen=True, tag=True):
    """The source's fault, or a limit.

    Attributes:
        kind: of the error: ``RenderFailed``, ``TooCostly``, ``InvalidSpec``, or ``SourceUnavailable`` where the
            repository is damaged.
    """

    kind: str
    message: str
    hint: str = ""


Answer = Made | Needs | Inputs | IndexedCharts | Whole | Signatures | Offered | Listed | Keys | PreparingRefused

_encoder = msgspec.msgpack.Encoder()
_tasks: msgspec.msgpack.Decoder[Task] = msgspec.msgpack.Decoder(Task)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def pack(message: Task | Answer) -> bytes:
    """The body of a frame."""
    return _encoder.encode(message)


def unpack_task(body: bytes) -> Task:
    return _tasks.decode(body)


def unpack_answer(body: bytes) -> Answer:
    return _answers.decode(body)
