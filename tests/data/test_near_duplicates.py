"""What makes two prompts one item."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import DisjointSet

from titer.data.near_duplicates import candidates, group_numbers, link_near, near, normalized, words


def test_normalized_forgets_case_width_spaces_and_edges_only() -> None:
    assert normalized(" Ｗhat  IS 3 + 4? ") == "what is 3 + 4"
    assert normalized("what is 3 - 4") != normalized("what is 3 + 4")
    assert words("如何 做饭？") == frozenset("如何做饭")


@given(st.lists(st.frozensets(st.sampled_from("abcdefghijkl"), min_size=1), max_size=25))
def test_candidates_hold_every_near_pair(sets: list[frozenset[str]]) -> None:
    found = {frozenset((here, there)) for here, others in candidates(sets) for there in others}
    for first, second in itertools.combinations(range(len(sets)), 2):
        if near(sets[first], sets[second]):
            assert frozenset((first, second)) in found


def test_linking_equals_single_linkage_over_all_pairs() -> None:
    draw = random.Random(0)
    texts = [" ".join(draw.choices("abcdefghijkl", k=draw.randrange(1, 12))) for _ in range(300)]
    links, slow = DisjointSet(range(len(texts))), DisjointSet(range(len(texts)))
    link_near(links, range(len(texts)), texts)
    for first, second in itertools.combinations(range(len(texts)), 2):
        if near(words(texts[first]), words(texts[second])):
            slow.merge(first, second)
    assert group_numbers(links) == group_numbers(slow)
    assert 20 < len(set(group_numbers(links))) < 300


def test_groups_are_numbered_as_they_first_appear() -> None:
    links = DisjointSet(range(6))
    for first, second in ((4, 1), (5, 0), (3, 4)):
        links.merge(first, second)
    assert group_numbers(links) == [0, 1, 2, 1, 1, 0]


def test_a_chain_of_near_prompts_is_one_group() -> None:
    letters = "abcdefghijklmnop"
    texts = [" ".join(letters[start : start + 10]) for start in range(5)]
    links = DisjointSet(range(5))
    link_near(links, range(5), texts)
    assert not near(words(texts[0]), words(texts[4]))
    assert set(group_numbers(links)) == {0}
