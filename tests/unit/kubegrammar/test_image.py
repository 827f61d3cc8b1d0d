"""Image names are taken apart as container engines do."""

import pytest

from kubegrammar.image import Image, parse_image

SHA = "sha256:" + "a" * 64

NAMES = {
    "a bare name": ("nginx", ("docker.io", "library/nginx", "", "")),
    "with a tag": ("nginx:1.25", ("docker.io", "library/nginx", "1.25", "")),
    "of a user": ("bitnami/nginx", ("docker.io", "bitnami/nginx", "", "")),
    "of a registry": ("ghcr.io/o/app:v1", ("ghcr.io", "o/app", "v1", "")),
    "of a registry with a port": ("reg:5000/app", ("reg:5000", "app", "", "")),
    "of a registry with a port and a tag": ("reg:5000/app:1", ("reg:5000", "app", "1", "")),
    "of localhost": ("localhost/app", ("localhost", "app", "", "")),
    "of an address": ("127.0.0.1:5000/a/b:c", ("127.0.0.1:5000", "a/b", "c", "")),
    "of an IPv6 address": ("[::1]:5000/a", ("[::1]:5000", "a", "", "")),
    "with a digest": (f"nginx@{SHA}", ("docker.io", "library/nginx", "", SHA)),
    "with a tag and a digest": (f"r.io/a:1@{SHA}", ("r.io", "a", "1", SHA)),
    "of Docker's registry by its other name": ("index.docker.io/library/nginx", ("docker.io", "library/nginx", "", "")),
    "with separators": ("a__b/c.d/e--f", ("docker.io", "a__b/c.d/e--f", "", "")),
}


@pytest.mark.parametrize("rule", NAMES)
def test_taken_apart(rule: str) -> None:
    text, expected = NAMES[rule]
    image = parse_image(text)
    assert (image.registry, image.repository, image.tag, image.digest) == expected
    assert str(image) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "Nginx", "a b", "a:", "a:b:c", "a@sha256:short", "a@", "/a", "a/", "a//b", "-a", "a:" + "x" * 129),
        *("x;id", "reg:port/a", "https://r.io/a", "a\nb", "a:t\n", "x" * 256, "${IMAGE}", "{{ image }}"),
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="image"):
        parse_image(text)


def test_spellings_of_one_repository_are_the_same() -> None:
    assert Image("nginx", "1").names_same(Image("docker.io/library/nginx", "2"))
    assert not Image("nginx").names_same(Image("ghcr.io/library/nginx"))
