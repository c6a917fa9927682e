"""The verifier's own Ed25519, which needs nothing but Python, against the `cryptography` library."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import signed_note
from audit.verifier import ed25519_verifies

ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19

# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
        "24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
        "eeb00d291612bb0c00",
    ),
]
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize("verifies", [ed25519_verifies, signed_note.verifies])
@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_the_vectors_of_the_standard_verify(verifies, secret, public, message, signature):
    signed = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)).sign(bytes.fromhex(message))

    assert signed.hex() == signature
    assert verifies(bytes.fromhex(public), bytes.fromhex(message), signed)


@settings(max_examples=15)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_what_the_library_signs_verifies(seed, message):
    key = Ed25519PrivateKey.from_private_bytes(seed)

    assert ed25519_verifies(key.public_key().public_bytes_raw(), message, key.sign(message))


@settings(max_examples=25)
@given(bit=st.integers(0, (64 + 32 + 5) * 8 - 1))
def test_one_flipped_bit_of_signature_key_or_message_is_refused(bit):
    good = KEY.sign(b"words") + PUBLIC + b"words"
    bad = (int.from_bytes(good) ^ (1 << bit)).to_bytes(len(good))

    signature, public, message = bad[:64], bad[64:96], bad[96:]

    assert not ed25519_verifies(public, message, signature)
    assert not signed_note.verifies(public, message, signature)


def test_a_second_form_of_the_same_signature_is_refused():
    signature = KEY.sign(b"words")
    s = int.from_bytes(signature[32:], "little")

    other = signature[:32] + (s + ORDER).to_bytes(32, "little")

    assert not ed25519_verifies(PUBLIC, b"words", other)
    assert not signed_note.verifies(PUBLIC, b"words", other)


@pytest.mark.parametrize("y", [PRIME, PRIME + 1, 2**255 - 1])
def test_a_point_that_is_not_written_in_its_one_form_is_refused(y):
    point = y.to_bytes(32, "little")

    assert not ed25519_verifies(point, b"words", KEY.sign(b"words"))
    assert not ed25519_verifies(PUBLIC, b"words", point + KEY.sign(b"words")[32:])


@pytest.mark.parametrize(("public", "signature"), [(b"", b"\x00" * 64), (PUBLIC, b""), (PUBLIC[:31], b"\x00" * 64)])
def test_keys_and_signatures_of_another_length_are_refused(public, signature):
    assert not ed25519_verifies(public, b"words", signature)
    assert not signed_note.verifies(public, b"words", signature)
