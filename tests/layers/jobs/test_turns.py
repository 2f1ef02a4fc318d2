"""Whose turn it is, against a simulation of areas that ask for more than others."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from layers.jobs.turns import AskedJob, next_in_turn

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

asked = st.lists(
    st.tuples(st.sampled_from([None, "440305001", "440305002", "440305003"]), st.sampled_from("abc")),
    min_size=1,
    max_size=30,
)


def job(
    number: int, area: str | None, caller: str = "a", kind: str = "gaps", started: int | None = None
) -> AskedJob:
    at = None if started is None else NOON + timedelta(seconds=started)
    return AskedJob(number, kind, "queued" if started is None else "running", area, caller, at)


def run_all(waiting: list[AskedJob], at_once: int) -> list[AskedJob]:
    """Run jobs, the oldest of those that run ending first; return them in the order in which they began."""
    begun: list[AskedJob] = []
    running: list[AskedJob] = []
    while waiting:
        if len(running) == at_once:
            running.pop(0)
        number = next_in_turn(waiting, running, begun)
        assert number is not None
        chosen = next(each for each in waiting if each.id == number)
        waiting = [each for each in waiting if each.id != number]
        chosen = chosen._replace(state="running", started_at=NOON + timedelta(seconds=len(begun)))
        begun.append(chosen)
        running.append(chosen)
    return begun


@given(asked, st.integers(1, 3))
def test_no_area_waits_for_two_jobs_of_another(jobs: list[tuple[str | None, str]], at_once: int) -> None:
    waiting = [job(number, area, caller) for number, (area, caller) in enumerate(jobs)]
    begun = run_all(waiting, at_once)
    assert sorted(each.id for each in begun) == list(range(len(jobs)))
    for position, each in enumerate(begun):
        # Since its area last had a turn, or from the beginning, no other area had two.
        since = begun[:position]
        for back, other in enumerate(reversed(since)):
            if other.area_code == each.area_code:
                since = since[len(since) - back :]
                break
        others = Counter(other.area_code for other in since)
        assert max(others.values(), default=0) <= 1


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_the_callers_of_an_area_take_turns_in_the_order_in_which_they_asked(callers: list[str]) -> None:
    begun = run_all([job(number, "1", caller) for number, caller in enumerate(callers)], 1)
    for caller in set(callers):
        numbers = [each.id for each in begun if each.created_by == caller]
        assert numbers == sorted(numbers)
    # Round after round, each of those who still have one waiting comes once.
    left = Counter(callers)
    order = [each.created_by for each in begun]
    while order:
        width = sum(count > 0 for count in left.values())
        assert len(set(order[:width])) == width
        left -= Counter(order[:width])
        order = order[width:]


def test_two_imports_do_not_run_at_once_and_others_go_on() -> None:
    running = [job(1, "1", kind="import-entities", started=0)]
    areas, gaps = job(2, "2", kind="import-areas"), job(3, "3", kind="gaps")
    assert next_in_turn([areas, gaps], running, running) == 3
    assert next_in_turn([areas], running, running) is None
    assert next_in_turn([areas, gaps], [], running) == 2
    assert next_in_turn([], [], running) is None
