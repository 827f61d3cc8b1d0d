"""What functions take and give: CEL's own, its extensions and Kubernetes' (``pkg/cel/{environment,library}``)."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec

from pocketkube.cluster.custom.expressions.declared import DeclaredType

_TEXT: Final = """
!_(bool) bool
-_(int) int
-_(double) double
_?_:_(bool, A, A) A
_==_(A, A) bool
_!=_(A, A) bool
@in(A, list(A)) bool
@in(A, map(A, B)) bool
_[_](list(A), int) A
_[_](map(A, B), A) B
_[_](optional(list(A)), int) optional(A)
_[_](optional(map(A, B)), A) optional(B)
_[?_](list(A), int) optional(A)
_[?_](map(A, B), A) optional(B)
_[?_](optional(list(A)), int) optional(A)
_[?_](optional(map(A, B)), A) optional(B)
_+_(int, int) int
_+_(uint, uint) uint
_+_(double, double) double
_+_(string, string) string
_+_(bytes, bytes) bytes
_+_(list(A), list(A)) list(A)
_+_(duration, duration) duration
_+_(timestamp, duration) timestamp
_+_(duration, timestamp) timestamp
_-_(int, int) int
_-_(uint, uint) uint
_-_(double, double) double
_-_(duration, duration) duration
_-_(timestamp, duration) timestamp
_-_(timestamp, timestamp) duration
_*_(int, int) int
_*_(uint, uint) uint
_*_(double, double) double
_/_(int, int) int
_/_(uint, uint) uint
_/_(double, double) double
_%_(int, int) int
_%_(uint, uint) uint
size(string) int
size(bytes) int
size(list(A)) int
size(map(A, B)) int
string.size() int
bytes.size() int
list(A).size() int
map(A, B).size() int
type(A) type
dyn(A) dyn
int(int) int
int(uint) int
int(double) int
int(string) int
int(timestamp) int
int(duration) int
uint(uint) uint
uint(int) uint
uint(double) uint
uint(string) uint
double(double) double
double(int) double
double(uint) double
double(string) double
string(string) string
string(bool) string
string(int) string
string(uint) string
string(double) string
string(bytes) string
string(timestamp) string
string(duration) string
string(ip) string
string(cidr) string
bool(bool) bool
bool(string) bool
bytes(bytes) bytes
bytes(string) bytes
duration(duration) duration
duration(string) duration
duration(int) duration
timestamp(timestamp) timestamp
timestamp(string) timestamp
timestamp(int) timestamp
string.contains(string) bool
string.startsWith(string) bool
string.endsWith(string) bool
string.matches(string) bool
matches(string, string) bool
timestamp.getFullYear() int
timestamp.getFullYear(string) int
timestamp.getMonth() int
timestamp.getMonth(string) int
timestamp.getDayOfYear() int
timestamp.getDayOfYear(string) int
timestamp.getDayOfMonth() int
timestamp.getDayOfMonth(string) int
timestamp.getDate() int
timestamp.getDate(string) int
timestamp.getDayOfWeek() int
timestamp.getDayOfWeek(string) int
timestamp.getHours() int
timestamp.getHours(string) int
timestamp.getMinutes() int
timestamp.getMinutes(string) int
timestamp.getSeconds() int
timestamp.getSeconds(string) int
timestamp.getMilliseconds() int
timestamp.getMilliseconds(string) int
duration.getHours() int
duration.getMinutes() int
duration.getSeconds() int
duration.getMilliseconds() int
optional.of(A) optional(A)
optional.ofNonZeroValue(A) optional(A)
optional.none() optional(A)
optional(A).or(optional(A)) optional(A)
optional(A).orValue(A) A
optional(A).hasValue() bool
optional(A).value() A
string.charAt(int) string
string.indexOf(string) int
string.indexOf(string, int) int
string.lastIndexOf(string) int
string.lastIndexOf(string, int) int
string.lowerAscii() string
string.upperAscii() string
string.replace(string, string) string
string.replace(string, string, int) string
string.split(string) list(string)
string.split(string, int) list(string)
string.substring(int) string
string.substring(int, int) string
string.trim() string
string.format(list(dyn)) string
string.find(string) string
string.findAll(string) list(string)
string.findAll(string, int) list(string)
strings.quote(string) string
list(string).join() string
list(string).join(string) string
list(A).isSorted() bool
list(A).sum() A
list(A).min() A
list(A).max() A
list(A).indexOf(A) int
list(A).lastIndexOf(A) int
list(A).includes(A) bool
list(A).slice(int, int) list(A)
list(A).flatten() list(dyn)
list(A).flatten(int) list(dyn)
list(A).distinct() list(A)
list(A).reverse() list(A)
list(A).sort() list(A)
list(A).first() optional(A)
list(A).last() optional(A)
lists.range(int) list(int)
sets.contains(list(A), list(A)) bool
sets.equivalent(list(A), list(A)) bool
sets.intersects(list(A), list(A)) bool
url(string) url
isURL(string) bool
url.getScheme() string
url.getHost() string
url.getHostname() string
url.getPort() string
url.getEscapedPath() string
url.getQuery() map(string, list(string))
quantity(string) quantity
isQuantity(string) bool
quantity.isInteger() bool
quantity.asInteger() int
quantity.asApproximateFloat() double
quantity.sign() int
quantity.add(quantity) quantity
quantity.add(int) quantity
quantity.sub(quantity) quantity
quantity.sub(int) quantity
quantity.isGreaterThan(quantity) bool
quantity.isLessThan(quantity) bool
quantity.compareTo(quantity) int
ip(string) ip
isIP(string) bool
ip.isCanonical(string) bool
ip.family() int
ip.isUnspecified() bool
ip.isLoopback() bool
ip.isLinkLocalMulticast() bool
ip.isLinkLocalUnicast() bool
ip.isGlobalUnicast() bool
cidr(string) cidr
isCIDR(string) bool
cidr.containsIP(ip) bool
cidr.containsIP(string) bool
cidr.containsCIDR(cidr) bool
cidr.containsCIDR(string) bool
cidr.ip() ip
cidr.masked() cidr
cidr.prefixLength() int
semver(string) semver
semver(string, bool) semver
isSemver(string) bool
isSemver(string, bool) bool
semver.major() int
semver.minor() int
semver.patch() int
semver.compareTo(semver) int
semver.isGreaterThan(semver) bool
semver.isLessThan(semver) bool
format.named(string) optional(format)
format.dns1123Label() format
format.dns1123Subdomain() format
format.dns1035Label() format
format.qualifiedName() format
format.dns1123LabelPrefix() format
format.dns1123SubdomainPrefix() format
format.dns1035LabelPrefix() format
format.labelValue() format
format.uri() format
format.uuid() format
format.byte() format
format.date() format
format.datetime() format
format.validate(string) optional(list(string))
"""
_ORDERED: Final = ("bool", "int", "uint", "double", "string", "bytes", "duration", "timestamp")
_NUMBERS: Final = ("int", "uint", "double")
NAMESPACES: Final = frozenset({"optional", "strings", "lists", "sets", "ip", "format"})
"""Names before a dot that are no variables: ``sets.contains`` is one name."""


class Signature(msgspec.Struct, frozen=True):
    """``target`` is None for a function; one such as ``sets.contains`` has the dot in its name."""

    name: str
    target: DeclaredType | None
    args: tuple[DeclaredType, ...]
    result: DeclaredType


@cache
def signatures() -> dict[str, list[Signature]]:
    """Overloads by name, without target."""
    found: dict[str, list[Signature]] = {}
    for line in _TEXT.strip().splitlines():
        signature = _read(line)
        found.setdefault(signature.name, []).append(signature)
    for name in ("_<_", "_<=_", "_>_", "_>=_"):
        pairs = [(kind, kind) for kind in _ORDERED]
        pairs += [(left, right) for left in _NUMBERS for right in _NUMBERS if left != right]
        found[name] = [
            Signature(name, None, (DeclaredType(left), DeclaredType(right)), DeclaredType("bool"))
            for left, right in pairs
        ]
    return found


def _read(line: str) -> Signature:
    """One line: ``[target.]name(args) result``; a target that is a namespace is part of the name."""
    opening = _opening(line)
    head, closing = line[:opening], _closing(line, opening)
    args = tuple(map(_kind, _split(line[opening + 1 : closing])))
    result = _kind(line[closing + 2 :])
    target, dot, name = ("", "", head) if head[0] in "!-_@" else head.rpartition(".")
    is_method = dot and (target not in NAMESPACES or (target, name) in _METHODS)
    if is_method:
        return Signature(name, _kind(target), args, result)
    return Signature(head, None, args, result)


_METHODS: Final = frozenset(
    {("format", "validate")}
    | {("ip", name) for name in ("family", "isUnspecified", "isLoopback", "isLinkLocalMulticast")}
    | {("ip", name) for name in ("isLinkLocalUnicast", "isGlobalUnicast")}
)
"""Of types that are namespaces too."""


def _opening(line: str) -> int:
    """Where the arguments begin: at the last bracket that is opened at the outer level."""
    depth = found = 0
    for index, char in enumerate(line.rpartition(") ")[0] + ")"):
        if char == "(":
            if depth == 0:
                found = index
            depth += 1
        elif char == ")":
            depth -= 1
    return found


def _closing(line: str, opening: int) -> int:
    depth = 0
    for index in range(opening, len(line)):
        depth += (line[index] == "(") - (line[index] == ")")
        if depth == 0:
            return index
    raise AssertionError(line)


def _split(text: str) -> Sequence[str]:
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]] if text else []


def _kind(text: str) -> DeclaredType:
    text = text.strip()
    if "(" not in text:
        return DeclaredType(text)
    name, _, rest = text.partition("(")
    inner = list(map(_kind, _split(rest.removesuffix(")"))))
    if name == "map":
        return DeclaredType("map", item=inner[1], key=inner[0])
    return DeclaredType(name, item=inner[0])
