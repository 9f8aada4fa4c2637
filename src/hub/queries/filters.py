"""Filters as people type them, and what becomes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.access import Access, Scope
from hub.errors import BadInput
from hub.filter import Filter, check_list_sizes, check_text
from hub.phone import candidates
from hub.receipt import ErrorCategory, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedFilter:
    """A receipt passes that meets every field given; a list is met by any of its values."""

    providers: Sequence[str] = ()
    statuses: Sequence[Status] = ()
    error_categories: Sequence[ErrorCategory] = ()
    message_ids: Sequence[str] = ()
    recipients: Sequence[str] = ()
    """Numbers as a person types them."""
    client_references: Sequence[str] = ()
    applied_only: bool = False


_LISTS = (
    "providers",
    "statuses",
    "error_categories",
    "message_ids",
    "recipients",
    "client_references",
)
_NOT_SUMMED = ("message_ids", "recipients", "client_references", "applied_only")


def narrowed(
    access: Access, typed: TypedFilter, regions: Sequence[str], field: str = "filter"
) -> Filter:
    """
    What *access* lets through of *typed*, which the request has as *field*.  A number without a
    country code may be of any of *regions*.  Raises `Forbidden` and `BadInput`.
    """
    _check(typed, field)
    if typed.recipients:
        access.require(Scope.RECIPIENTS_READ)
    return access.limit(
        Filter(
            providers=tuple(typed.providers),
            statuses=tuple(typed.statuses),
            error_categories=tuple(typed.error_categories),
            message_ids=tuple(typed.message_ids),
            recipients=numbers(typed.recipients, regions),
            client_references=tuple(typed.client_references),
            applied_only=typed.applied_only,
        )
    )


def numbers(typed: Iterable[str], regions: Sequence[str]) -> tuple[str, ...]:
    """What the numbers *typed* may be as stored, each once."""
    return tuple({found: None for text in typed for found in candidates(text, regions)})


def check_summable(typed: TypedFilter) -> None:
    """Refuse a filter by what the roll-up is not kept by.  Raises `BadInput`."""
    for name in _NOT_SUMMED:
        if getattr(typed, name):
            message = f"statistics take providers, statuses and error_categories, not {name}"
            raise BadInput(message, field=f"filter.{name}")


def _check(typed: TypedFilter, field: str) -> None:
    lists: dict[str, Sequence[object]] = {
        f"{field}.{name}": getattr(typed, name) for name in _LISTS
    }
    check_list_sizes(lists)
    for name, values in lists.items():
        for index, value in enumerate(values):
            if isinstance(value, str):
                check_text(f"{name}[{index}]", value)
