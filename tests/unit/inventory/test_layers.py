"""A network in layers: everything downstream lies to the right, cycles are found, and 200 nodes keep apart."""

import random

from hypothesis import given
from hypothesis import strategies as some

from inventory.measures.layers import TALLEST, lay_out, steps_from, strongly_connected

NODES = [f"m{number}" for number in range(12)]
networks = some.lists(some.tuples(some.sampled_from(NODES), some.sampled_from(NODES)), max_size=40)


def test_a_chain_goes_from_left_to_right():
    layout = lay_out("abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")])

    assert [layout.places[node].column for node in "abcd"] == [0, 1, 2, 3]
    assert (layout.columns, layout.rows, layout.cycles) == (4, 1, ())


def test_a_cycle_is_shown_as_one_and_what_follows_lies_behind_it():
    layout = lay_out("abcde", [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "e")])

    assert set(layout.cycles) == {("b", "c"), ("e",)}
    assert layout.looping == {("b", "c"), ("c", "b"), ("e", "e")}
    assert layout.places["a"].column < layout.places["b"].column == layout.places["c"].column
    assert layout.places["c"].column < layout.places["d"].column


def test_lines_that_need_not_cross_do_not():
    layout = lay_out(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])

    assert (layout.places["a"].row < layout.places["b"].row) == (layout.places["y"].row < layout.places["x"].row)


def test_steps_are_counted_by_the_shortest_way():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("d", "a"), ("x", "a")]

    assert steps_from("a", edges) == {"b": 1, "c": 1, "d": 2}


def test_a_very_long_chain_takes_no_recursion():
    edges = [(f"n{i}", f"n{i + 1}") for i in range(5_000)]

    assert len(strongly_connected([f"n{i}" for i in range(5_001)], edges)) == 5_001


def test_nothing_at_all_is_no_fault():
    assert (lay_out([], []).columns, lay_out([], []).rows) == (0, 0)


@given(networks)
def test_nothing_overlaps_and_whatever_is_no_cycle_goes_to_the_right(edges):
    layout = lay_out(NODES, edges)

    assert len(set(layout.places.values())) == len(NODES)
    for start, end in edges:
        if (start, end) not in layout.looping:
            assert layout.places[start].column < layout.places[end].column
    assert layout == lay_out(reversed(NODES), reversed(edges))


def test_two_hundred_nodes_keep_to_the_height():
    chance = random.Random(3)
    nodes = [f"n{number}" for number in range(200)]
    edges = [(nodes[chance.randrange(0, max(i // 3, 1))], nodes[i]) for i in range(1, 200)]

    layout = lay_out(nodes, edges)

    assert layout.rows <= TALLEST
    assert len(set(layout.places.values())) == 200
