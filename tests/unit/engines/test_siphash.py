import numpy as np

from engines.siphash import fingerprints, key_of

# The authors' test vectors: key 00…0f, message 00, 01, … of the given length.
VECTORS = {
    0: "a3817f04ba25a8e66df67214c7550293",
    1: "da87c1d86b99af44347659119b22fc45",
    8: "3b62a9ba6258f5610f83e264f31497b4",
}


def test_fingerprints_equal_the_published_vectors():
    key = key_of(int.from_bytes(bytes(range(16)), "little"))

    for length, expected in VECTORS.items():
        out = np.empty((1, 2), np.uint64)
        fingerprints(np.array([0, length], np.int32), np.arange(16, dtype=np.uint8), key, out)
        assert out.astype("<u8").tobytes().hex() == expected


def test_another_seed_gives_other_keys():
    prints = []
    for seed in (1, 2):
        out = np.empty((1, 2), np.uint64)
        fingerprints(np.array([0, 3], np.int32), np.frombuffer(b"abc", np.uint8), key_of(seed), out)
        prints.append(out.tolist())

    assert prints[0] != prints[1]
