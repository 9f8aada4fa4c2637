"""Recipients as E.164, by the numbering plans of libphonenumber."""

import re
from collections.abc import Iterable

import phonenumbers

_MAINLAND_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_SEPARATORS = re.compile(r"[\s\-().\u2010-\u2015\u00a0]+")
_DIGITS = re.compile(r"[+\uff0b]?\d{5,20}")


def normalise(text: str, region: str = "CN") -> str:
    """
    *text* as E.164 where it can be read as a number of *region* or with a country code, else
    as it came without the blanks around it.

    >>> normalise("138 0013 8000"), normalise("0086-13800138000"), normalise("138xxxxxxxx")
    ('+8613800138000', '+8613800138000', '138xxxxxxxx')
    """
    text = text.strip()
    if region == "CN" and (match := _MAINLAND_MOBILE.fullmatch(text)):
        return f"+86{match[1]}"
    compact = _SEPARATORS.sub("", text)
    if region == "CN" and (match := _MAINLAND_MOBILE.fullmatch(compact)):
        return f"+86{match[1]}"
    if not _DIGITS.fullmatch(compact):
        return text
    return _by_numbering_plan(compact, region) or text


def candidates(typed: str, regions: Iterable[str]) -> tuple[str, ...]:
    """Every recipient that a person who typed *typed* may mean, given the accounts' *regions*."""
    found = {normalise(typed, region): None for region in regions}
    found[typed.strip()] = None
    return tuple(found)


def _by_numbering_plan(compact: str, region: str) -> str | None:
    for attempt in (compact, f"+{compact[2:]}" if compact.startswith("00") else f"+{compact}"):
        try:
            number = phonenumbers.parse(attempt, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None
