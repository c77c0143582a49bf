# SPDX-License-Identifier: MIT
"""asyncio on the board: in lockstep its tasks go by the virtual clock."""

import asyncio

import check


async def say(said, word, seconds):
    await asyncio.sleep(seconds)
    said.append(word)
    return word


def test_tasks_wake_by_their_time_and_in_the_order_of_their_coming():
    async def main():
        said = []
        waits = (("c", 0.03), ("a", 0.01), ("d", 0.03), ("b", 0.02))
        answers = await asyncio.gather(*[say(said, word, wait) for word, wait in waits])
        assert said == ["a", "b", "c", "d"], said
        assert list(answers) == ["c", "a", "d", "b"], answers

    asyncio.run(main())


def test_task_that_is_cancelled_ends_and_whoever_waits_for_it_hears_of_it():
    async def main():
        said = []
        for is_begun in (False, True):
            task = asyncio.create_task(say(said, "never", 5))
            if is_begun:
                await asyncio.sleep(0.01)
            task.cancel()
            try:
                await task
                raise AssertionError("it was not cancelled")
            except asyncio.CancelledError:
                pass
            assert task.done()
        assert said == []

    asyncio.run(main())


def test_time_out_cancels_and_a_quick_answer_comes():
    async def main():
        said = []
        assert await asyncio.wait_for(say(said, "quick", 0.01), 1) == "quick"
        try:
            await asyncio.wait_for(say(said, "slow", 5), 0.02)
            raise AssertionError("it came in time")
        except asyncio.TimeoutError:  # noqa: UP041  MicroPython has it there only
            pass
        assert said == ["quick"], said

    asyncio.run(main())


def test_event_wakes_all_who_wait_and_a_task_that_fails_raises_where_it_is_waited_for():
    async def main():
        said = []
        event = asyncio.Event()

        async def wait(word):
            await event.wait()
            said.append(word)
            raise ValueError(word)

        tasks = [asyncio.create_task(wait(word)) for word in ("a", "b")]
        await asyncio.sleep(0.01)
        assert said == []
        event.set()
        for word in ("a", "b"):
            try:
                await tasks.pop(0)
                raise AssertionError("it did not fail")
            except ValueError as error:
                assert error.args == (word,)
        assert said == ["a", "b"]

    asyncio.run(main())


check.run(globals())
