"""Proofs over the stored tree, against RFC 6962 written down as it stands, for every place and size up to 70."""

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle, verifier

SIZES = range(1, 71)
LEAVES = [verifier.leaf_hash(b"record %d" % number) for number in range(70)]

# The leaves and roots that the reference implementation of Certificate Transparency is tested with.
REFERENCE_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
REFERENCE_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


# ---- RFC 6962 section 2.1, word for word, over leaf hashes ---------------------------------------------
def split(count):
    """The largest power of two smaller than `count`."""
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def tree_head(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + tree_head(leaves[:k]) + tree_head(leaves[k:])).digest()


def audit_path(position, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if position < k:
        return [*audit_path(position, leaves[:k]), tree_head(leaves[k:])]
    return [*audit_path(position - k, leaves[k:]), tree_head(leaves[:k])]


def consistency(old_size, leaves, whole=True):
    if old_size == len(leaves):
        return [] if whole else [tree_head(leaves)]
    k = split(len(leaves))
    if old_size <= k:
        return [*consistency(old_size, leaves[:k], whole), tree_head(leaves[k:])]
    return [*consistency(old_size - k, leaves[k:], False), tree_head(leaves[:k])]


# ---- the stored tree: complete subtrees only -------------------------------------------------------------
def stored(leaves):
    """Reader of a tree that holds what audit.build_nodes() stores: leaves and pairs of complete siblings."""
    known = {(0, index): leaf for index, leaf in enumerate(leaves)}
    level, row = 0, leaves
    while len(row) > 1:
        level += 1
        row = [verifier.node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        known.update({(level, index): node for index, node in enumerate(row)})
    return lambda places: {place: known[place] for place in places}


READ = stored(LEAVES)


def test_the_root_of_an_empty_tree_is_the_hash_of_nothing():
    assert verifier.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_implementation(size):
    leaves = [verifier.leaf_hash(data) for data in REFERENCE_LEAVES[:size]]

    assert verifier.root_of(leaves).hex() == REFERENCE_ROOTS[size - 1]
    assert merkle.root(size, stored(leaves)).hex() == REFERENCE_ROOTS[size - 1]


@pytest.mark.parametrize("size", SIZES)
def test_the_root_from_stored_nodes_is_the_tree_head(size):
    assert merkle.root(size, READ) == tree_head(LEAVES[:size]) == verifier.root_of(LEAVES[:size])


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_has_the_audit_path_of_the_standard_and_it_verifies(size):
    root = tree_head(LEAVES[:size])

    for position in range(size):
        proof = merkle.hashes_of(merkle.inclusion_ranges(position, size), READ)
        assert proof == audit_path(position, LEAVES[:size])
        verifier.check_inclusion(LEAVES[position], position, size, proof, root)


@pytest.mark.parametrize("size", SIZES)
def test_every_earlier_size_has_the_consistency_proof_of_the_standard_and_it_verifies(size):
    root = tree_head(LEAVES[:size])

    for old_size in range(1, size + 1):
        proof = merkle.hashes_of(merkle.consistency_ranges(old_size, size), READ)
        assert proof == consistency(old_size, LEAVES[:size])
        verifier.check_consistency(old_size, tree_head(LEAVES[:old_size]), size, root, proof)


def test_an_empty_log_is_a_prefix_of_every_log():
    verifier.check_consistency(0, b"", 7, tree_head(LEAVES[:7]), [])

    with pytest.raises(verifier.Defect):
        verifier.check_consistency(0, b"", 7, tree_head(LEAVES[:7]), [LEAVES[0]])


places = st.integers(1, 70).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))


@given(place=places, other=st.integers(0, 69), bit=st.integers(0, 255))
def test_no_other_leaf_place_or_bit_verifies(place, other, bit):
    position, size = place
    root = tree_head(LEAVES[:size])
    proof = merkle.hashes_of(merkle.inclusion_ranges(position, size), READ)
    wrong = [(LEAVES[other], position, proof)] if other != position else []
    wrong += [(LEAVES[position], other, proof)] if other != position else []
    wrong += [(LEAVES[position], position, [*proof, LEAVES[other]])]
    wrong += [(LEAVES[position], position, [flipped(proof[0], bit), *proof[1:]])] if proof else []

    for leaf, claimed, path in wrong:
        with pytest.raises(verifier.Defect):
            verifier.check_inclusion(leaf, claimed, size, path, root)


@given(sizes=st.tuples(st.integers(1, 70), st.integers(1, 70)), changed=st.integers(0, 69), bit=st.integers(0, 255))
def test_a_tree_whose_past_was_changed_is_never_consistent(sizes, changed, bit):
    old_size, size = sorted(sizes)
    rewritten = list(LEAVES[:size])
    rewritten[changed % old_size] = flipped(rewritten[changed % old_size], bit)
    read = stored(rewritten)

    proof = merkle.hashes_of(merkle.consistency_ranges(old_size, size), read)

    with pytest.raises(verifier.Defect, match="rewritten"):
        verifier.check_consistency(old_size, tree_head(LEAVES[:old_size]), size, merkle.root(size, read), proof)


@given(sizes=st.lists(st.integers(1, 70), min_size=2, max_size=2, unique=True))
def test_a_tree_that_shrank_is_named_as_such(sizes):
    size, old_size = sorted(sizes)

    with pytest.raises(verifier.Defect, match="cut off"):
        verifier.check_consistency(old_size, tree_head(LEAVES[:old_size]), size, tree_head(LEAVES[:size]), [])


@given(start=st.integers(0, 5), size=st.integers(1, 70))
def test_complete_subtrees_tile_their_range_from_left_to_right(start, size):
    start = min(start * 16, size - 1)

    tiles = [(index << level, (index + 1) << level) for level, index in merkle.complete_subtrees(start, size)]

    assert tiles[0][0] == start
    assert tiles[-1][1] == size
    assert all(left[1] == right[0] for left, right in itertools.pairwise(tiles))


@pytest.mark.parametrize("node", [b"", b"\x00" * 31, b"\x00" * 64])
def test_a_proof_of_something_else_than_digests_is_refused(node):
    with pytest.raises(verifier.Defect, match="not a SHA-256"):
        verifier.check_inclusion(LEAVES[0], 0, 2, [node], tree_head(LEAVES[:2]))


def flipped(digest, bit):
    return (int.from_bytes(digest) ^ (1 << bit)).to_bytes(32)
