"""How errors are told over gRPC."""

import logging
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import code_pb2

from hub import errors
from hub.errors import HubError
from hub.grpc.errors import ANSWERS, status_of
from hub.settings import Settings
from tests.calling import refused, run


def kinds(kind: type[HubError] = HubError) -> set[type[HubError]]:
    """*kind* and all kinds under it."""
    return {kind}.union(*(kinds(child) for child in kind.__subclasses__()))


def test_every_error_has_an_answer_and_every_answer_an_error() -> None:
    ours = {kind for kind in kinds() if kind.__module__ == errors.__name__}
    assert set(ANSWERS) == ours


@pytest.mark.parametrize("kind", sorted(ANSWERS, key=str))
def test_a_status_names_its_reason_and_a_field_where_the_request_is_at_fault(
    kind: type[HubError],
) -> None:
    status = status_of(kind())
    assert status.code not in {code_pb2.OK, code_pb2.UNKNOWN}
    assert status.message
    names = [detail.TypeName() for detail in status.details]
    assert names[0] == "google.rpc.ErrorInfo"
    assert ("google.rpc.BadRequest" in names) == (
        status.code == code_pb2.INVALID_ARGUMENT and bool(kind().field)
    )


async def test_a_fault_of_ours_tells_a_reference_and_nothing_else(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with run(settings) as hub, hub.caller() as caller:

        async def broken(*_: Any, **__: Any) -> Any:
            message = "a secret of the inside"
            raise RuntimeError(message)

        hub.hub.log.page = broken  # type: ignore[method-assign]
        hub.hub.log.position_at = broken  # type: ignore[method-assign]
        with caplog.at_level(logging.ERROR, "hub.grpc.errors"):
            for call in (caller.page(), caller.stream(since=Timestamp())):
                told = await refused(call)
                assert told.code is grpc.StatusCode.INTERNAL
                assert told.reason == "INTERNAL"
                assert "secret" not in told.message
                logged = [vars(line).get("reference") for line in caplog.records]
                assert told.metadata["reference"] in logged
