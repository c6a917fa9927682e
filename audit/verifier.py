#!/usr/bin/env python3
"""Checks an Assay trail export, and receipts kept from earlier, without the portal.

    python3 verifier.py trail.zip --key harbour.example/log+1a2b3c4d+AQ… [--receipt receipt.json …] [--witness KEY …]

One file, Python's standard library only (3.9 or newer). The portal uses the same functions to verify itself.

What is checked
    bytes       every row body, entry and file hashes to the digest that the sealed records hold
    records     every sealed record hashes to its Merkle leaf (RFC 6962: sha256(0x00, record))
    inclusion   every leaf leads to the root of the export's checkpoint; a whole export is rebuilt instead
    checkpoint  the C2SP signed note carries the log's Ed25519 signature, and each witness's cosignature
    receipts    a receipt's record is still there, at its place, and the tree that the receipt was given for
                is a prefix of today's tree
Exit status 0: everything holds. 1: something does not, each defect on a line. 2: the input cannot be read.
"""

import argparse
import base64
import hashlib
import json
import struct
import sys
import zipfile

RECORD_FORMAT = b"assay-sealed-record-v1"
ENTRY_FORMAT = b"assay-entry-v1"
ROW_FORMAT = b"assay-row-v1"


class Defect(Exception):
    """One thing that does not hold, as a sentence."""


# ---- canonical bytes ----------------------------------------------------------------------------------
def field(value):
    """Length-prefixed field: four bytes big-endian, then the bytes (text as UTF-8)."""
    data = value.encode() if isinstance(value, str) else bytes(value)
    return struct.pack(">i", len(data)) + data


def entry_digest(entry):
    """Digest of one entry: sha256 over its length-prefixed fields, `body` being the stored bytes."""
    trails = json.dumps(entry["trails"], ensure_ascii=False, separators=(",", ":"))
    names = ("account", "through", "request")
    return hashlib.sha256(
        field(ENTRY_FORMAT)
        + field(entry["event"])
        + field(entry["subject"])
        + field(trails)
        + field(entry["actor"])
        + b"".join(field(entry[name]) for name in names)
        + field(entry["body"])
    ).digest()


def row_digest(row):
    """Digest of one row change: table, key, operation, database user and the sha256 of the row's bytes."""
    return hashlib.sha256(
        field(ROW_FORMAT)
        + field(row["table"])
        + field(row["pk"])
        + field(row["op"])
        + field(row["db_user"])
        + row["body_sha256"]
    ).digest()


def parse_record(body):
    """Take a sealed record apart: position, sealed_at, db_user, entry digests, row digests."""
    place = 0

    def take(count):
        nonlocal place
        if place + count > len(body):
            raise Defect("a sealed record is shorter than its own fields say")
        piece = body[place : place + count]
        place += count
        return piece

    def take_field():
        return take(struct.unpack(">i", take(4))[0])

    if take_field() != RECORD_FORMAT:
        raise Defect("a sealed record is of a format that this verifier does not know")
    position = struct.unpack(">q", take(8))[0]
    sealed_at, db_user = take_field().decode(), take_field().decode()
    entries = [take(32) for _ in range(struct.unpack(">i", take(4))[0])]
    rows = [take(32) for _ in range(struct.unpack(">i", take(4))[0])]
    if place != len(body):
        raise Defect("a sealed record is longer than its own fields say")
    return {
        "position": position,
        "sealed_at": sealed_at,
        "db_user": db_user,
        "entries": entries,
        "rows": rows,
    }


# ---- Merkle tree (RFC 6962, RFC 9162 section 2.1) ------------------------------------------------------
def leaf_hash(record_body):
    return hashlib.sha256(b"\x00" + record_body).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves):
    """Root over leaf hashes, in order; of none, sha256 of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    stack = []  # (height, hash) of complete subtrees, left to right
    for leaf in leaves:
        height = 0
        while stack and stack[-1][0] == height:
            leaf = node_hash(stack.pop()[1], leaf)
            height += 1
        stack.append((height, leaf))
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def check_inclusion(leaf, position, size, proof, root):
    """Raise Defect unless `proof` leads from the leaf at `position` to the root of `size` leaves."""
    if not 0 <= position < size:
        raise Defect("record %d is not inside a tree of %d records" % (position, size))
    fn, sn, node = position, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise Defect("the inclusion proof of record %d is too long" % position)
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or node != root:
        raise Defect("record %d does not lead to the signed root: it is not what was sealed there" % position)


def check_consistency(old_size, old_root, new_size, new_root, proof):
    """Raise Defect unless the tree of `old_size` is a prefix of the tree of `new_size`."""
    wrong = Defect(
        "the tree of %d records is not a prefix of the tree of %d: history was rewritten" % (old_size, new_size)
    )
    if old_size > new_size:
        raise Defect("the tree shrank from %d to %d records: the end of the log was cut off" % (old_size, new_size))
    if old_size == new_size:
        if old_root != new_root or proof:
            raise wrong
        return
    if old_size == 0:
        if proof:
            raise wrong
        return
    proof = list(proof)
    if old_size & (old_size - 1) == 0:
        proof.insert(0, old_root)
    if not proof:
        raise wrong
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        if sn == 0:
            raise wrong
        if fn & 1 or fn == sn:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or old != old_root or new != new_root:
        raise wrong


# ---- Ed25519 (RFC 8032, verification only) -------------------------------------------------------------
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_I = pow(2, (_P - 1) // 4, _P)


def _add(a, b):
    A, B = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    C, D = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    E, F, G, H = B - A, D - C, D + C, B + A
    return (E * F % _P, G * H % _P, F * G % _P, E * H % _P)


def _times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point, scalar = _add(point, point), scalar >> 1
    return result


def _point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    x2 = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(x2, (_P + 3) // 8, _P)
    if (x * x - x2) % _P:
        x = x * _I % _P
    if (x * x - x2) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return (x, y, 1, x * y % _P)


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def ed25519_verifies(public_key, message, signature):
    """Whether `signature` (64 bytes) over `message` is by `public_key` (32 bytes)."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    A, R = _point(public_key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if A is None or R is None or s >= _L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _L
    left, right = _times(s, _BASE), _add(R, _times(h, A))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


# ---- signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature) --------------------------------
def parse_key(text):
    """(name, key id, algorithm, public key) of a verifier key `name+hash+base64`; 1 = log, 4 = cosignature."""
    try:
        name, key_id, data = text.strip().split("+", 2)
        raw = base64.b64decode(data, validate=True)
        key = (name, bytes.fromhex(key_id), raw[0], raw[1:])
    except (ValueError, IndexError):
        raise Defect("not a verifier key (name+hash+base64): {!r}".format(text[:80]))
    if hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4] != key[1] or len(key[3]) != 32 or raw[0] not in (1, 4):
        raise Defect("the verifier key of {} is damaged: its own hash does not match".format(name))
    return key


def check_note(note, key):
    """Raise Defect unless the note carries a good signature by `key`; give the note's text and the time.

    The time is None for a log's signature, POSIX seconds for a witness's cosignature.
    """
    name, key_id, algorithm, public_key = key
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    if not separator:
        raise Defect("the checkpoint carries no signature")
    for line in signatures.splitlines():
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—" or parts[1] != name:
            continue
        try:
            raw = base64.b64decode(parts[2], validate=True)
        except ValueError:
            continue
        if raw[:4] != key_id:
            continue
        if algorithm == 1 and ed25519_verifies(public_key, text.encode(), raw[4:]):
            return text, None
        if algorithm == 4 and len(raw) == 76:
            seconds = struct.unpack(">Q", raw[4:12])[0]
            message = "cosignature/v1\ntime %d\n%s" % (seconds, text)
            if ed25519_verifies(public_key, message.encode(), raw[12:]):
                return text, seconds
    raise Defect("the checkpoint is not signed by {} with this key".format(name))


def parse_checkpoint(text):
    """(origin, size, root, extension lines) of a checkpoint's text."""
    lines = text.rstrip("\n").split("\n")
    try:
        return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True), lines[3:]
    except (IndexError, ValueError):
        raise Defect("the checkpoint cannot be read: origin, size and root are wanted on its first lines")


# ---- exports and receipts ------------------------------------------------------------------------------
def check_receipt(receipt, key):
    """Check a receipt by itself: its record, proof and signed checkpoint belong together."""
    text, _ = check_note(receipt["checkpoint"], key)
    _, size, root, _ = parse_checkpoint(text)
    body = base64.b64decode(receipt["record"])
    position = parse_record(body)["position"]
    if position != receipt["position"]:
        raise Defect("the receipt names record %s, its bytes are record %d" % (receipt["position"], position))
    check_inclusion(leaf_hash(body), position, size, [bytes.fromhex(h) for h in receipt["proof"]], root)
    return position, size, root, leaf_hash(body)


class Export:
    """A trail export: `checkpoint.txt`, `records.jsonl`, `artefacts/<sha256>`, `consistency.json`."""

    def __init__(self, path):
        self.archive = zipfile.ZipFile(path)
        self.manifest = json.loads(self.archive.read("manifest.json"))
        self.note = self.archive.read("checkpoint.txt").decode()
        self.whole = self.manifest["scope"] == "whole log"

    def records(self):
        with self.archive.open("records.jsonl") as lines:
            for line in lines:
                yield json.loads(line)

    def consistency(self, old_size):
        proofs = json.loads(self.archive.read("consistency.json"))
        proof = proofs.get(str(old_size))
        return None if proof is None else [bytes.fromhex(h) for h in proof]


def check_export(path, key, receipts=(), witnesses=()):
    """Check an export; return (defects, facts): sentences about what does not hold, and what was checked."""
    export, defects, leaves, seen = Export(path), [], [], {}
    facts = {"records": 0, "entries": 0, "rows": 0, "files": 0, "outside": 0, "receipts": 0, "witnesses": 0}
    try:
        text, _ = check_note(export.note, key)
        origin, size, root, _ = parse_checkpoint(text)
    except Defect as defect:
        return [str(defect)], facts
    facts.update(origin=origin, size=size, root=root.hex())
    for witness in witnesses:
        try:
            check_note(export.note, witness)
            facts["witnesses"] += 1
        except Defect as defect:
            defects.append(str(defect))
    expected = 0
    last_sealed = ""
    for record in export.records():
        try:
            body = base64.b64decode(record["record"])
            parsed = parse_record(body)
            position = parsed["position"]
            leaf = leaf_hash(body)
            seen[position] = leaf
            facts["records"] += 1
            if export.whole:
                if position != expected:
                    raise Defect(
                        "record %d is where record %d belongs: a record is missing or moved" % (position, expected)
                    )
                leaves.append(leaf)
            else:
                check_inclusion(leaf, position, size, [bytes.fromhex(h) for h in record["proof"]], root)
            if parsed["sealed_at"] < last_sealed:
                raise Defect("record %d is dated before the record that precedes it" % position)
            last_sealed = parsed["sealed_at"]
            _check_contents(record, parsed, export, facts, defects)
        except Defect as defect:
            defects.append(str(defect))
        expected += 1
    if export.whole and (len(leaves) != size or root_of(leaves) != root):
        defects.append("%d records of the export do not make the signed root of %d records" % (len(leaves), size))
    for receipt in receipts:
        try:
            position, old_size, old_root, leaf = check_receipt(receipt, key)
            if seen.get(position) not in (None, leaf):
                raise Defect("record %d is not the one that the receipt was given for" % position)
            if position not in seen and export.whole:
                raise Defect("record %d, for which there is a receipt, is gone" % position)
            if export.whole and old_size <= len(leaves):
                if root_of(leaves[:old_size]) != old_root:
                    raise Defect("the first %d records are not those of the receipt: history was rewritten" % old_size)
            elif old_size > size:
                check_consistency(old_size, old_root, size, root, [])
            else:
                proof = export.consistency(old_size)
                if proof is None:
                    raise Defect(
                        "the export has no consistency proof from the receipt's %d records; ask for an export made for this receipt"
                        % old_size
                    )
                check_consistency(old_size, old_root, size, root, proof)
            facts["receipts"] += 1
        except Defect as defect:
            defects.append("receipt: {}".format(defect))
    return defects, facts


def _check_contents(record, parsed, export, facts, defects):
    """Every entry, row and file that the export shows belongs to its sealed record; a whole export shows all."""
    position = parsed["position"]
    entries, rows = list(parsed["entries"]), list(parsed["rows"])
    for entry in record["entries"]:
        facts["entries"] += 1
        facts["outside"] += entry["event"] == "audit.outside_portal"
        digest = entry_digest(dict(entry, body=base64.b64decode(entry["body"])))
        if digest in entries:
            entries.remove(digest)
        else:
            defects.append(
                "record %d: entry %r on %s is not the one that was sealed"
                % (position, entry["event"], entry["subject"])
            )
    for row in record["rows"]:
        facts["rows"] += 1
        body = base64.b64decode(row["body"])
        body_sha256 = hashlib.sha256(body).digest()
        digest = row_digest(dict(row, body_sha256=body_sha256))
        if digest in rows:
            rows.remove(digest)
        else:
            defects.append("record %d: %s %s is not the row that was sealed" % (position, row["table"], row["pk"]))
        if row["table"] == "audit_artefact":
            _check_file(json.loads(body), export, facts, defects)
    if export.whole and (entries or rows):
        defects.append(
            "record %d: %d entries and %d rows that were sealed are missing" % (position, len(entries), len(rows))
        )


def _check_file(artefact, export, facts, defects):
    name = "artefacts/" + artefact["sha256"]
    if name not in export.archive.namelist():
        return
    digest = hashlib.sha256()
    with export.archive.open(name) as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    facts["files"] += 1
    if digest.hexdigest() != artefact["sha256"]:
        defects.append("file {} is not the one that was filed".format(artefact["sha256"]))


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Check an Assay trail export and receipts without the portal.")
    parser.add_argument("export", help="the zip that the portal gave")
    parser.add_argument(
        "--key", required=True, help="the log's verifier key, or a file that holds it; keep your own copy"
    )
    parser.add_argument("--receipt", action="append", default=[], help="a receipt kept from earlier (JSON file)")
    parser.add_argument(
        "--witness", action="append", default=[], help="a witness's verifier key, or a file that holds it"
    )
    options = parser.parse_args(arguments)
    try:
        key = parse_key(_text_of(options.key))
        witnesses = [parse_key(_text_of(w)) for w in options.witness]
        receipts = []
        for path in options.receipt:
            with open(path, encoding="utf-8") as stream:
                receipts.append(json.load(stream))
        defects, facts = check_export(options.export, key, receipts, witnesses)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, Defect) as problem:
        print("cannot be checked: {}".format(problem))
        return 2
    for defect in defects:
        print("DEFECT  " + defect)
    print(
        "%(records)d records, %(entries)d entries (%(outside)d outside the portal), %(rows)d rows, %(files)d files,"
        " %(receipts)d receipts, %(witnesses)d witnesses checked" % facts
    )
    if "size" in facts:
        print("log %(origin)s, %(size)d records, root %(root)s" % facts)
    print("NOT VERIFIED: %d defects" % len(defects) if defects else "VERIFIED")
    return 1 if defects else 0


def _text_of(key_or_file):
    try:
        with open(key_or_file, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return key_or_file


if __name__ == "__main__":
    sys.exit(main())
