"""Promise 7, in memory: what a token may see, ask for and be told."""

import base64

import pytest

from hub.access import Access, Scope, new_token, same_hash, token_hash
from hub.errors import Forbidden
from hub.filter import Filter

READ, WHOLE_NUMBERS = Scope.RECEIPTS_READ, Scope.RECIPIENTS_READ


def access(*scopes: Scope, providers: frozenset[str] | None = None) -> Access:
    return Access("app", frozenset(scopes), providers)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_has_the_scopes_that_it_carries_and_no_other(scope: Scope) -> None:
    carrying, others = access(scope), access(*set(Scope) - {scope})
    assert carrying.has(scope)
    assert not others.has(scope)
    carrying.require(scope)
    with pytest.raises(Forbidden, match=f"^this needs the scope {scope}, which the token"):
        others.require(scope)


def test_numbers_are_shown_only_with_their_scope() -> None:
    assert access(WHOLE_NUMBERS).unmasked
    assert not access(*set(Scope) - {WHOLE_NUMBERS}).unmasked


def test_a_filter_is_narrowed_to_the_providers_that_a_consumer_sees() -> None:
    wanted = Filter(providers=("p1", "p2"))
    seen = frozenset({"p1"})
    assert access(READ, providers=seen).limit(wanted).visible == seen
    assert access(READ).limit(wanted) == wanted


def test_nothing_is_read_without_the_scope_to_read() -> None:
    with pytest.raises(Forbidden, match="receipts:read"):
        access(WHOLE_NUMBERS).limit(Filter())


def test_a_number_is_no_filter_without_its_scope() -> None:
    wanted = Filter(recipients=("+8613800138000",))
    assert access(READ, WHOLE_NUMBERS).limit(wanted) == wanted
    with pytest.raises(Forbidden, match="recipients:"):
        access(READ).limit(wanted)


def test_a_provider_out_of_sight_does_not_exist() -> None:
    assert access().sees("p1")
    assert access(providers=frozenset({"p1"})).sees("p1")
    assert not access(providers=frozenset({"p1"})).sees("p2")
    assert not access(providers=frozenset()).sees("p1")


def test_a_token_is_192_random_bits_for_urls_and_headers() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(base64.urlsafe_b64decode(token)) for token in tokens} == {24}


def test_any_text_has_a_hash_and_only_the_same_text_the_same() -> None:
    assert token_hash("t").hex() == (
        "e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8"
    )
    assert token_hash("\ud800") != token_hash("\ud801")
    assert same_hash(token_hash("t"), token_hash("t"))
    assert not same_hash(token_hash("t"), token_hash("u"))
