"""What a caller sends is repeated, and looked up, within bounds."""

import msgspec
import pytest
from grpclib.exceptions import GRPCError
from hypothesis import given
from hypothesis import strategies as st
from tests.support.apiserver import GrpcClient, api_server

from trueup.server.errors import LONGEST_MESSAGE, Code, Fault
from trueup.server.names import LONGEST_NAME, bounded
from trueup.server.request import Json, Request


@given(st.text(st.characters(codec=None), max_size=60), st.integers(1, 2000))
def test_a_fault_tells_no_more_than_a_header_can_bear(text: str, times: int) -> None:
    message = text * times
    told = Fault(Code.NOT_FOUND, message).message
    assert len(told.encode()) <= LONGEST_MESSAGE
    assert str(Fault(Code.NOT_FOUND, message)) == told
    sendable = message.encode("utf-8", "replace").decode()
    assert told == sendable or (sendable.startswith(told[:-1]) and told.endswith("…"))


@pytest.mark.parametrize("field", ["name", "appNamespace", "applicationName", "kind", "project", "resourceName"])
def test_a_name_that_none_can_have_is_refused_without_being_repeated(field: str) -> None:
    for value in ("n" * LONGEST_NAME, ["n" * LONGEST_NAME] * 3, None, 5):
        assert bounded({field: value, "patch": "x" * 5000})[field] == value
    for value in ("n" * (LONGEST_NAME + 1), ["short", "n" * (LONGEST_NAME + 1)]):
        with pytest.raises(Fault) as caught:
            bounded({field: value})
        assert (caught.value.code, caught.value.message) == (
            Code.INVALID_ARGUMENT,
            f"{field} is longer than {LONGEST_NAME} characters",
        )


async def test_no_text_of_a_caller_is_long_in_an_answer() -> None:
    asked: list[Json] = []

    async def echo(request: Request) -> Json:
        asked.append(request.message)
        raise Fault(Code.NOT_FOUND, msgspec.json.encode(request.message).decode())

    async with api_server({"ApplicationService.Get": echo}) as served, GrpcClient(served) as client:
        for message in ({"name": "n" * (1 << 20)}, {"refresh": "n" * (1 << 20)}):
            with pytest.raises(GRPCError) as caught:
                await client.ask("ApplicationService.Get", message)
            assert len((caught.value.message or "").encode()) <= LONGEST_MESSAGE
    assert [list(each) for each in asked] == [["refresh"]]
