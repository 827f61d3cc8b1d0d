"""FNV-1a, the hash by which Argo CD names the Secrets that it makes (Go's ``hash/fnv``)."""


def fnv32a(text: str) -> int:
    """The 32 bits of a text's UTF-8."""
    found = 2166136261
    for byte in text.encode():
        found = ((found ^ byte) * 16777619) % 2**32
    return found
