"""Quantities; the expected values are what Kubernetes 1.37 gave."""

from decimal import Decimal

import pytest

from kubegrammar.quantity import canonical_quantity, parse_quantity

QUANTITIES: dict[str, tuple[str | int | float, str, str]] = {
    "an integer": ("1", "1", "1"),
    "a number": (2, "2", "2"),
    "a float": (0.5, "500m", "0.5"),
    "a small float": (1e-05, "10e-6", "0.00001"),
    "zero has no unit": ("0Mi", "0", "0"),
    "milli": ("100m", "100m", "0.1"),
    "a thousand milli": ("1000m", "1", "1"),
    "more than one in milli": ("1500m", "1500m", "1.5"),
    "a fraction becomes milli": ("1.5", "1500m", "1.5"),
    "a fraction below one": ("0.001", "1m", "0.001"),
    "three digits behind the point are kept": ("1.500", "1.500", "1.5"),
    "a thousand": ("1000", "1k", "1000"),
    "a thousand kilo": ("1000k", "1M", "1000000"),
    "no whole thousands": ("123456", "123456", "123456"),
    "1024 stays decimal": ("1024", "1024", "1024"),
    "a binary suffix": ("12Mi", "12Mi", "12582912"),
    "the largest binary suffix": ("1024Mi", "1Gi", "1073741824"),
    "a binary fraction": ("1.5Gi", "1536Mi", "1610612736"),
    "a binary fraction below one Ki": ("0.5Ki", "512", "512"),
    "a binary fraction that is not whole": ("0.1Ki", "102400m", "102.4"),
    "a negative binary one": ("-1.5Gi", "-1536Mi", "-1610612736"),
    "binary is capped at 63 bits": ("8Ei", "9223372036854775807", "9223372036854775807"),
    "so is negative binary": ("-100Ei", "-9223372036854775807", "-9223372036854775807"),
    "decimal is not capped": ("99999999999999999999", "99999999999999999999", "99999999999999999999"),
    "an exponent": ("1e3", "1e3", "1000"),
    "a capital exponent": ("12E6", "12E6", "12000000"),
    "an exponent that is no multiple of three": ("1.1e5", "110e3", "110000"),
    "an exponent that vanishes": ("2.5e3", "2500", "2500"),
    "a large exponent": ("1e19", "10e18", "10000000000000000000"),
    "E alone is a suffix": ("1E", "1E", "1000000000000000000"),
    "beyond E the zeros are dropped": ("1000E", "1", "1000000000000000000000"),
    "a sign is kept": ("+5", "+5", "5"),
    "below a nano is a nano": ("0.00000000001", "1n", "0.000000001"),
    "rounding goes away from zero": ("-1.5n", "-2n", "-0.000000002"),
    "a point at the end": ("5.", "5.", "5"),
    "a point in front": (".5", "500m", "0.5"),
}

REFUSED = [
    "",
    " 1",
    "1 ",
    "1K",
    "1mm",
    "1KiB",
    "1i",
    "12e",
    "1e5k",
    "1_000",
    "0x10",
    "1.2.3",
    "--1",
    "Mi",
    "-",
    ".",
    "1e2000",
]
REFUSED += ["1,5", "inf", "nan", "1\n", "١", "1" * 1001]


@pytest.mark.parametrize(("text", "canonical", "value"), QUANTITIES.values(), ids=QUANTITIES.keys())
def test_a_quantity_is_stored_as_kubernetes_stores_it(text: str | int | float, canonical: str, value: str) -> None:
    assert canonical_quantity(text) == canonical
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text)[:20])
def test_what_is_no_quantity_is_refused_by_name(text: str) -> None:
    for read in (parse_quantity, canonical_quantity):
        with pytest.raises(ValueError, match="quantity") as caught:
            read(text)
        assert text[:80] in str(caught.value)


def test_a_boolean_is_no_quantity() -> None:
    with pytest.raises(ValueError, match="quantity"):
        parse_quantity(True)
