import asyncio, sys, pytest
from tests.test_grpc_consume import *

async def test_a_fail(settings):
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        async with consuming(caller) as session:
            await session.frame()
            raise AssertionError("x")

@pytest.mark.parametrize("n", range(4))
async def test_b_drain(settings, n):
    async def dump():
        await asyncio.sleep(12)
        for t in asyncio.all_tasks():
            t.print_stack(file=sys.stderr)
    d=asyncio.create_task(dump())
    async with run(settings) as hub, hub.caller(*WRITE) as caller:
        await hub.post(receipt("m1"), receipt("m2"))
        async with consuming(caller, max_unacked=1) as session, consuming(caller) as standby:
            await session.receipts(1)
            assert (await standby.frame()).standby
            hub.hub.feed.drain()
            for each in (session, standby):
                assert (await refused(each.call)).reason == "DRAINING"
    d.cancel()
