import re
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLError, GraphQLSchema, build_schema, parse, validate

from hub import errors
from hub.graphql.errors import formatted
from hub.graphql.schema import build_schema as build
from hub.graphql.types import scalars
from scripts.breaking import breaks

ROOT = Path(__file__).parent.parent
SDL = ROOT / "graphql" / "schema.graphql"
OPERATIONS = sorted((ROOT / "graphql" / "operations").glob("*.graphql"))


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SDL.read_text())


def test_the_exported_schema_is_in_step() -> None:
    assert SDL.read_text() == build().as_str() + "\n", "make generate"


def test_every_type_field_argument_and_value_is_described(schema: GraphQLSchema) -> None:
    assert [name for name, described in _descriptions(schema) if not described] == []


def _descriptions(schema: GraphQLSchema) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for name, kind in schema.type_map.items():
        if name.startswith("__") or name in {"Boolean", "Float", "ID", "Int", "String"}:
            continue
        found.append((name, kind.description))
        for field_name, field in getattr(kind, "fields", {}).items():
            found.append((f"{name}.{field_name}", field.description))
            for argument, value in getattr(field, "args", {}).items():
                found.append((f"{name}.{field_name}({argument})", value.description))
        if isinstance(kind, GraphQLEnumType):
            found += [(f"{name}.{word}", value.description) for word, value in kind.values.items()]
    return found


@pytest.mark.parametrize("file", OPERATIONS, ids=lambda file: file.stem)
def test_the_operations_of_the_folder_are_valid(file: Path, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(file.read_text())) == []


def test_the_operations_of_the_documentation_are_valid(schema: GraphQLSchema) -> None:
    page = (ROOT / "docs" / "graphql.md").read_text()
    blocks = re.findall(r"```graphql\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        assert validate(schema, parse(block)) == [], block


def test_an_added_field_breaks_nobody_and_a_removed_one_does() -> None:
    present = SDL.read_text()
    without = re.sub(r'\n  """[^"]*"""\n  conflict: Boolean!', "", present)
    assert without != present
    assert breaks(without, present) == []
    assert any("conflict" in change for change in breaks(present, without))


def test_without_an_earlier_schema_nothing_breaks() -> None:
    assert breaks("", SDL.read_text()) == []


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2020-11-09T11:23:26Z", 1_604_921_006_000_000),
        ("2020-11-09T11:23:26.000001Z", 1_604_921_006_000_001),
        ("2020-11-09T19:23:26+08:00", 1_604_921_006_000_000),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_an_instant_is_read_to_the_microsecond(text: str, micros: int) -> None:
    parse_value: Any = scalars.SCALARS[scalars.DateTime].parse_value
    assert parse_value(text) == (micros, micros)


@pytest.mark.parametrize(
    ("fraction", "floor", "ceiling"),
    [
        (".100766999", 100_766, 100_767),
        (".1007660001", 100_766, 100_767),
        (",100766999", 100_766, 100_767),
        (".100766000", 100_766, 100_766),
        (".1", 100_000, 100_000),
    ],
)
def test_a_bound_between_two_microseconds_keeps_both_neighbours(
    fraction: str, floor: int, ceiling: int
) -> None:
    parse_value: Any = scalars.SCALARS[scalars.DateTime].parse_value
    assert parse_value(f"1970-01-01T08:00:00{fraction}+08:00") == (floor, ceiling)


@pytest.mark.parametrize("micros", [0, -1, 1_604_921_006_000_001, 253_402_300_799_999_999])
def test_an_instant_is_written_as_it_is_read(micros: int) -> None:
    parse_value: Any = scalars.SCALARS[scalars.DateTime].parse_value
    text = scalars.instant_text(micros)
    assert text.endswith("Z")
    assert parse_value(text) == (micros, micros)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (scalars.DateTime, "2020-11-09T11:23:26"),
        (scalars.DateTime, "yesterday"),
        (scalars.DateTime, 5),
        (scalars.BigInt, "1.5"),
        (scalars.BigInt, True),
        (scalars.BigInt, str(2**63)),
        (scalars.CursorText, 5),
    ],
)
def test_a_scalar_refuses_what_it_does_not_mean(kind: object, value: object) -> None:
    parse_value: Any = scalars.SCALARS[kind].parse_value
    with pytest.raises(GraphQLError):
        parse_value(value)


def test_a_big_whole_number_comes_as_a_string_or_a_number() -> None:
    parse_value: Any = scalars.SCALARS[scalars.BigInt].parse_value
    assert parse_value("9007199254740993") == parse_value(9007199254740993) == 2**53 + 1


def _leaves(kind: type[errors.HubError]) -> list[type[errors.HubError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _leaves(child))]


@pytest.mark.parametrize("kind", _leaves(errors.HubError), ids=lambda kind: kind.__name__)
def test_every_error_of_the_hub_has_its_reason_as_code(kind: type[errors.HubError]) -> None:
    body = formatted(GraphQLError("", original_error=kind("what happened")), suggests=True)
    if kind in {errors.HubError, errors.StartError}:
        return
    assert body["message"] == "what happened"
    assert body["extensions"]["code"] == kind.reason
