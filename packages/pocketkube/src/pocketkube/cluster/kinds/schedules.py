"""Schedules of CronJobs, as github.com/robfig/cron reads them."""

import re
from typing import Final

_DESCRIPTORS: Final = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BOUNDS: Final[tuple[tuple[int, int, dict[str, int]], ...]] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)


def schedule_problem(text: str) -> str:
    """What is wrong with a schedule; "" where nothing is."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        _, space, text = text.partition(" ")
        if not space:
            return "missing schedule"
        text = text.strip()
    if text.startswith("@"):
        return _descriptor_problem(text)
    fields = text.split()
    if len(fields) != len(_BOUNDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for field, (lowest, highest, names) in zip(fields, _BOUNDS, strict=True):
        for part in field.split(","):
            if wrong := _range_problem(part, lowest, highest, names):
                return wrong
    return ""


def _descriptor_problem(text: str) -> str:
    if text in _DESCRIPTORS:
        return ""
    if text.startswith("@every "):
        duration = text.removeprefix("@every ")
        if re.fullmatch(r"[-+]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+", duration):
            return ""
        return f'failed to parse duration {text}: time: invalid duration "{duration}"'
    return f"unrecognized descriptor: {text}"


def _range_problem(part: str, lowest: int, highest: int, names: dict[str, int]) -> str:
    if not part:
        return ""
    span, *steps = part.split("/")
    if len(steps) > 1:
        return f"too many slashes: {part}"
    ends = span.split("-")
    if span in ("*", "?"):
        start, end = lowest, highest
    else:
        if len(ends) > 2:
            return f"too many hyphens: {part}"
        numbers: list[int] = []
        for text in ends:
            number = names.get(text.lower())
            if number is None:
                if not re.fullmatch(r"[+-]?\d{1,9}", text):
                    return f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
                number = int(text)
            if number < 0:
                return f"negative number ({number}) not allowed: {text}"
            numbers.append(number)
        start = numbers[0]
        end = numbers[-1] if len(numbers) == 2 else highest if steps else start
    step = 1
    if steps:
        if not re.fullmatch(r"\d{1,9}", steps[0]):
            return f'failed to parse int from {steps[0]}: strconv.Atoi: parsing "{steps[0]}": invalid syntax'
        step = int(steps[0])
    if start < lowest:
        return f"beginning of range ({start}) below minimum ({lowest}): {part}"
    if end > highest:
        return f"end of range ({end}) above maximum ({highest}): {part}"
    if start > end:
        return f"beginning of range ({start}) beyond end of range ({end}): {part}"
    return f"step of range should be a positive number: {part}" if step == 0 else ""
