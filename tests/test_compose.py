"""docker-compose.yml keeps to the public schema of Compose files, and to our own promises."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hub.settings import Settings, variable

ROOT = Path(__file__).parent.parent

Compose = dict[str, Any]


@pytest.fixture
def compose() -> Compose:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    defaults_filled_in = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
    loaded: Compose = yaml.safe_load(defaults_filled_in)
    return loaded


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    """The Compose specification's own schema, as check-jsonschema carries it."""
    text = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return jsonschema.Draft202012Validator(json.loads(text.read_text(encoding="utf-8")))


def test_the_compose_file_is_valid(
    compose: Compose, schema: jsonschema.Draft202012Validator
) -> None:
    assert [error.message for error in schema.iter_errors(compose)] == []


def test_a_mistake_in_a_compose_file_is_found(
    compose: Compose, schema: jsonschema.Draft202012Validator
) -> None:
    compose["services"]["hub"]["health_check"] = {}

    [error] = schema.iter_errors(compose)

    assert "health_check" in error.message


def test_every_service_that_keeps_running_says_whether_it_is_well(compose: Compose) -> None:
    for name, service in lasting(compose):
        assert service["healthcheck"]["test"][0] == "CMD", name


def test_nothing_starts_before_what_it_needs(compose: Compose) -> None:
    services = compose["services"]

    assert services["hub"]["depends_on"] == {
        "database": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_ports_are_open_to_this_machine_alone(compose: Compose) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert ports == ["127.0.0.1:8080:8080", "127.0.0.1:8000:8000", "127.0.0.1:50051:50051"]


def test_passwords_come_from_files_that_are_not_committed(compose: Compose) -> None:
    for name, service in compose["services"].items():
        named = {key for key in service["environment"] if "PASSWORD" in key}
        assert named, name
        for key in named:
            assert key.endswith("_FILE")
            secret = Path(service["environment"][key])
            assert secret.parent == Path("/run/secrets")
            assert secret.name in service["secrets"]
    assert [secret["file"] for secret in compose["secrets"].values()] == [
        "./secrets/database-password"
    ]
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_every_variable_of_the_hub_is_one_of_its_settings(compose: Compose) -> None:
    known = {variable(name) for name in Settings.model_fields}
    given = {
        key
        for service in compose["services"].values()
        for key in service["environment"]
        if key.startswith("HUB_")
    }
    in_the_image = set(
        re.findall(r"\b(HUB_\w+)=", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    )

    assert given | in_the_image <= known


def test_a_hub_has_time_to_drain(compose: Compose) -> None:
    hub = compose["services"]["hub"]

    assert seconds(hub["stop_grace_period"]) > float(hub["environment"]["HUB_DRAIN_SECONDS"])


def test_data_outlives_its_container(compose: Compose) -> None:
    for name, service in lasting(compose):
        for volume in service["volumes"]:
            assert volume.split(":")[0] in compose["volumes"], name


def test_the_hub_runs_with_as_little_as_it_needs(compose: Compose) -> None:
    for name in ("hub", "migrate"):
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def lasting(compose: Compose) -> Iterator[tuple[str, Compose]]:
    """The services that are meant to run on, by name."""
    for name, service in compose["services"].items():
        if service["restart"] != "no":
            yield name, service


def seconds(period: str) -> float:
    assert period.endswith("s")
    return float(period[:-1])
