#!/usr/bin/env python3
"""Checks an Assay trail export, and receipts kept from earlier, without the portal.

    python3 verifier.py trail.zip --key harbour.example/log+1a2b3c4d+AQ… [--receipt receipt.json …] [--witness KEY …]

The key may be that of any epoch of the log: the export's epoch notes lead from each key to the next. Give --key twice
where an old key was lost and somebody whom you trust gave you the new one.

One file, Python's standard library only (3.9 or newer). The portal uses the same functions to verify itself.

What is checked
    bytes       every row body and entry hashes to the digest that the sealed records hold; every file to the
                digest by which a sealed row names it
    records     every sealed record hashes to its Merkle leaf (RFC 6962: sha256(0x00, record))
    inclusion   every leaf leads to the root of the export's checkpoint; a whole export is rebuilt instead
    checkpoint  the C2SP signed note carries the log's Ed25519 signature, and each witness's cosignature
    epochs      each new key is named by a note that the key before it signed too, and the tree went on from where
                the note says; what a restore from backup lost is stated
    receipts    a receipt's record is still there, at its place, and the tree that the receipt was given for
                is a prefix of today's tree; a receipt of an older epoch is held against that epoch's key
What an export of one trail cannot show is that nothing of that trail was left out; the whole log shows it.
Exit status 0: everything holds. 1: something does not, each defect on a line. 2: the input cannot be read.
3: everything holds, and a receipt is for a record that a restore lost, as the log itself says.
"""

import argparse
import base64
import hashlib
import json
import struct
import sys
import zipfile
import zlib

RECORD_FORMAT = b"assay-sealed-record-v1"
ENTRY_FORMAT = b"assay-entry-v1"
ROW_FORMAT = b"assay-row-v1"


# What Python raises over bytes that are no export, no receipt or no key.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, struct.error)
UNREADABLE += (zipfile.BadZipFile, zlib.error)


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
    """Digest of one row change; `body_sha256` is the sha256 of the row's bytes."""
    return hashlib.sha256(
        field(ROW_FORMAT)
        + field(row["table"])
        + field(row["pk"])
        + field(row["op"])
        + field(row["subject"])
        + field(row["trail"])
        + field(row["db_user"])
        + row["body_sha256"]
    ).digest()


def parse_record(body):
    """Take a sealed record apart: position, sealed_at, db_user, entry digests, row digests."""
    place = 0

    def take(count):
        nonlocal place
        if count < 0 or place + count > len(body):
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


def _check_proof(proof):
    if any(len(node) != 32 for node in proof):
        raise Defect("a proof holds something that is not a SHA-256")


def check_inclusion(leaf, position, size, proof, root):
    """Raise Defect unless `proof` leads from the leaf at `position` to the root of `size` leaves."""
    _check_proof(proof)
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
    _check_proof(proof)
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


def check_note(note, key, verifies=ed25519_verifies):
    """Raise Defect unless the note carries a good signature by `key`; give the note's text and the time.

    The time is None for a log's signature, POSIX seconds for a witness's cosignature. `verifies` may be a
    faster function of the same kind.
    """
    name, key_id, algorithm, public_key = key
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    if not separator:
        raise Defect("the checkpoint carries no signature")
    for line in signatures.split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—" or parts[1] != name:
            continue
        try:
            raw = base64.b64decode(parts[2], validate=True)
        except ValueError:
            continue
        if raw[:4] != key_id:
            continue
        if algorithm == 1 and verifies(public_key, text.encode(), raw[4:]):
            return text, None
        if algorithm == 4 and len(raw) == 76:
            seconds = struct.unpack(">Q", raw[4:12])[0]
            message = "cosignature/v1\ntime %d\n%s" % (seconds, text)
            if verifies(public_key, message.encode(), raw[12:]):
                return text, seconds
    raise Defect("the checkpoint is not signed by {} with this key".format(name))


def parse_checkpoint(text):
    """(origin, size, root, extension lines) of a checkpoint's text."""
    lines = text.rstrip("\n").split("\n")
    try:
        size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError):
        size, root = -1, b""
    if size < 0 or str(size) != lines[1] or len(root) != 32:
        raise Defect("the checkpoint cannot be read: origin, size and root are wanted on its first lines")
    return lines[0], size, root, lines[3:]


def check_checkpoint(note, key, verifies=ed25519_verifies):
    """(origin, size, root, extension lines) of a checkpoint signed by the log that `key` names."""
    text, _ = check_note(note, key, verifies)
    checkpoint = parse_checkpoint(text)
    if checkpoint[0] != key[0]:
        raise Defect("the checkpoint is of the log {}, the key of {}".format(checkpoint[0], key[0]))
    return checkpoint


# ---- epochs of the log ---------------------------------------------------------------------------------
EPOCH_FORMAT = "assay-epoch-v1"
EPOCH_FIELDS = ("number", "reason", "old-key", "old-size", "old-root", "kept-size", "kept-root", "new-key")
EPOCH_FIELDS += ("asked-by", "accepted-by")


def parse_epoch(text):
    """What the text of an epoch note says, by field; keys parsed, sizes as numbers, roots as bytes."""
    lines = [line.partition(" ") for line in text.rstrip("\n").split("\n")]
    if lines[0] != (EPOCH_FORMAT, "", "") or tuple(name for name, _, _ in lines[1:]) != EPOCH_FIELDS:
        raise Defect("not an epoch note: %s and %s are wanted on its lines" % (EPOCH_FORMAT, ", ".join(EPOCH_FIELDS)))
    epoch = {name.replace("-", "_"): value for name, _, value in lines[1:]}
    try:
        for name in ("number", "old_size", "kept_size"):
            epoch[name] = int(epoch[name])
        for name in ("old_root", "kept_root"):
            epoch[name] = base64.b64decode(epoch[name], validate=True)
    except ValueError:
        raise Defect("an epoch note holds a size or a root that cannot be read")
    for name in ("old_key", "new_key"):
        epoch[name] = parse_key(epoch[name])
    return epoch


def check_epoch(note, verifies=ed25519_verifies):
    """What an epoch note says, and as `by_old_key` whether the key before it signed it; the new key always must."""
    epoch = parse_epoch(note.rpartition("\n\n")[0])
    number, old, kept = epoch["number"], epoch["old_size"], epoch["kept_size"]
    if not is_signed(note, epoch["new_key"], verifies):
        raise Defect("the note of epoch %d is not signed by the key that it begins with" % number)
    if epoch["reason"] not in ("rotation", "restore") or (epoch["reason"] == "rotation") != (kept == old):
        raise Defect("the note of epoch %d: a rotation keeps all records, a restore from backup fewer" % number)
    if not 0 <= kept <= old or (kept == old and epoch["old_root"] != epoch["kept_root"]):
        raise Defect("the note of epoch %d keeps what the epoch before it did not have" % number)
    if not epoch["asked_by"] or not epoch["accepted_by"] or epoch["asked_by"] == epoch["accepted_by"]:
        raise Defect("the note of epoch %d does not name two persons who asked for it and accepted it" % number)
    return dict(epoch, by_old_key=is_signed(note, epoch["old_key"], verifies))


def is_signed(note, key, verifies=ed25519_verifies):
    """Whether a note carries a good signature by `key`."""
    try:
        check_note(note, key, verifies)
    except Defect:
        return False
    return True


def loss_of(epoch):
    """What a restore lost, as a sentence."""
    return "records beyond size %d were lost in the restore of epoch %d" % (epoch["kept_size"], epoch["number"])


class Epochs:
    """The epochs of one log, in their order. Each has one key and one tree that only grew.

    notes  the epoch notes, of epoch 2 and on; none where the log never had another key
    held   the keys that the reader holds: each must be an epoch's, and the newest of them must lead to today's key
    """

    def __init__(self, notes, held, verifies=ed25519_verifies):
        self.verifies = verifies
        self.begun = [check_epoch(note, verifies) for note in notes]
        self.keys = [epoch["old_key"] for epoch in self.begun[:1]] or list(held[:1])
        for epoch in self.begun:
            self._check_follows(epoch)
            self.keys.append(epoch["new_key"])
        self._check_held(held)

    def _check_follows(self, epoch):
        number = len(self.keys) + 1
        if epoch["number"] != number:
            raise Defect("the note of epoch %d stands where that of epoch %d belongs" % (epoch["number"], number))
        if epoch["old_key"] != self.keys[-1]:
            raise Defect("the note of epoch %d names another key of epoch %d than the log had" % (number, number - 1))
        if epoch["new_key"] in self.keys:
            raise Defect("epoch %d begins with a key that the log had before" % number)
        if number > 2 and epoch["old_size"] < self.begun[number - 3]["kept_size"]:
            raise Defect("epoch %d ended with fewer records than it began with" % (number - 1))

    def _check_held(self, held):
        for key in held:
            if key not in self.keys:
                raise Defect("a key that you hold, of %s, is the key of no epoch of this log" % key[0])
        for epoch in self.begun[max(self.keys.index(key) for key in held) :]:
            if not epoch["by_old_key"]:
                raise Defect(
                    "the note of epoch %d is not signed by the key of epoch %d: anybody can make such a note. If that"
                    " key was lost, get the new one from somebody whom you trust, and give both with --key"
                    % (epoch["number"], epoch["number"] - 1)
                )

    def check_checkpoint(self, note):
        """(epoch, size, root, extension lines) of a checkpoint that an epoch's key signed while the epoch lasted."""
        signed = (number for number, key in enumerate(self.keys, 1) if is_signed(note, key, self.verifies))
        number = next(signed, len(self.keys))
        _, size, root, extensions = check_checkpoint(note, self.keys[number - 1], self.verifies)
        self._check_within(number, size, root)
        return number, size, root, extensions

    def _check_within(self, number, size, root):
        if number > 1 and size < self.begun[number - 2]["kept_size"]:
            raise Defect("a checkpoint of epoch %d has fewer records than the epoch began with" % number)
        if number == len(self.keys):
            return
        end = self.begun[number - 1]
        if size > end["old_size"]:
            raise Defect(
                "epoch %d is on record as ended with %d records, and its key signed %d: the note of epoch %d hides some"
                % (number, end["old_size"], size, number + 1)
            )
        if size == end["old_size"] and root != end["old_root"]:
            raise Defect("epoch %d is on record as ended with another tree than its key signed" % number)

    def kept_of(self, number):
        """How many records of an epoch's tree are in the log today, at most; None for the epoch in force."""
        return min((epoch["kept_size"] for epoch in self.begun[number - 1 :]), default=None)

    def loss_at(self, number, position):
        """The restore that lost the record which stood at `position` in an epoch's tree; None where none did."""
        after = (epoch for epoch in self.begun[number - 1 :] if epoch["kept_size"] <= position)
        return next(after, None)

    def prefixes(self):
        """(epoch, size, root) with which epochs began, where no later restore went back before it."""
        for epoch in self.begun:
            kept = self.kept_of(epoch["number"])
            if epoch["kept_size"] and (kept is None or epoch["kept_size"] <= kept):
                yield epoch["number"], epoch["kept_size"], epoch["kept_root"]


def sha256_of_note(note):
    """How the log names an epoch note: the digest of all of it, signatures too."""
    return hashlib.sha256(note.encode()).hexdigest()


def split_notes(text):
    """The epoch notes of a file that holds one after the other."""
    pieces = text.split(EPOCH_FORMAT + "\n")
    return [EPOCH_FORMAT + "\n" + piece.rstrip("\n") + "\n" for piece in pieces[1:]]


# ---- exports and receipts ------------------------------------------------------------------------------
def check_receipt(receipt, key):
    """Check a receipt by itself: its record, proof and signed checkpoint belong together."""
    _, size, root, _ = check_checkpoint(receipt["checkpoint"], key)
    position, leaf = check_proof(receipt, size, root)
    return position, size, root, leaf


def check_proof(receipt, size, root):
    """(position, leaf) of a receipt whose record leads to the root of a tree."""
    body = base64.b64decode(receipt["record"])
    position = parse_record(body)["position"]
    if position != receipt["position"]:
        raise Defect("the receipt names record %s, its bytes are record %d" % (receipt["position"], position))
    check_inclusion(leaf_hash(body), position, size, [bytes.fromhex(h) for h in receipt["proof"]], root)
    return position, leaf_hash(body)


class Export:
    """A trail export: `checkpoint.txt`, `epochs.txt`, `records.jsonl`, `artefacts/<sha256>`, `consistency.json`."""

    def __init__(self, path):
        self.archive = zipfile.ZipFile(path)
        self.names = set(self.archive.namelist())
        if len(self.names) != len(self.archive.namelist()):
            raise ValueError("the export holds a file twice under one name")
        self.manifest = json.loads(self.archive.read("manifest.json"))
        self.note = self.archive.read("checkpoint.txt").decode()
        text = self.archive.read("epochs.txt").decode() if "epochs.txt" in self.names else ""
        self.epochs = split_notes(text)  # none in the export of a log that has always had one key
        self.whole = self.manifest["scope"] == "whole log"

    def records(self):
        with self.archive.open("records.jsonl") as lines:
            for line in lines:
                yield json.loads(line)

    def consistency(self, old_size):
        proofs = json.loads(self.archive.read("consistency.json"))
        proof = proofs.get(str(old_size))
        return None if proof is None else [bytes.fromhex(h) for h in proof]

    def sha256_of(self, name):
        digest = hashlib.sha256()
        with self.archive.open(name) as stream:
            for chunk in iter(lambda: stream.read(1 << 20), b""):
                digest.update(chunk)
        return digest.hexdigest()


class Audit:
    """One export being checked: `defects` are sentences about what does not hold, `facts` what was checked."""

    def __init__(self, export, keys):
        self.export, self.keys, self.defects, self.lost = export, keys, [], []
        self.facts = dict.fromkeys(
            ("records", "entries", "rows", "files", "erased", "outside", "guards", "receipts", "witnesses", "epochs"), 0
        )
        self.epochs, self.named, self.asked_for_witnesses = None, set(), False
        self.leaves, self.seen, self.files, self.last_sealed = [], {}, {}, ""
        self.size, self.root = 0, b""

    def run(self, receipts, witnesses):
        self.asked_for_witnesses = bool(witnesses)
        try:
            self.epochs = Epochs(self.export.epochs, self.keys)
            number, self.size, self.root, _ = self.epochs.check_checkpoint(self.export.note)
            if number != len(self.epochs.keys):
                raise Defect("the export's checkpoint is of epoch %d, its notes go on: a newer one is wanted" % number)
        except Defect as defect:
            self.defects.append(str(defect))
            return
        self.facts.update(origin=self.epochs.keys[-1][0], size=self.size, root=self.root.hex())
        self.facts.update(scope=self.export.manifest["scope"], epochs=number)
        for witness in witnesses:
            self.check(self.check_witness, witness)
        for record in self.export.records():
            self.check(self.check_record, record)
        if self.export.whole and (len(self.leaves) != self.size or root_of(self.leaves) != self.root):
            self.defects.append(
                "%d records of the export do not make the signed root of %d records" % (len(self.leaves), self.size)
            )
        self.check_files()
        for prefix in self.epochs.prefixes():
            self.check(self.check_prefix, prefix)
        if self.export.whole:
            self.check(self.check_epochs_named, {sha256_of_note(note) for note in self.export.epochs})
        for receipt in receipts:
            self.check(self.check_receipt, receipt)

    def check(self, function, subject):
        try:
            function(subject)
        except Defect as defect:
            self.defects.append(str(defect))

    def check_witness(self, witness):
        check_note(self.export.note, witness)
        self.facts["witnesses"] += 1

    def check_record(self, record):
        body = base64.b64decode(record["record"], validate=True)
        parsed, leaf = parse_record(body), leaf_hash(body)
        position, expected = parsed["position"], self.facts["records"]
        self.facts["records"] += 1
        self.leaves.append(leaf)
        comes_twice = position in self.seen
        self.seen[position] = leaf
        if self.export.whole and position != expected:
            raise Defect("record %d is where record %d belongs: a record is missing or moved" % (position, expected))
        if comes_twice:
            raise Defect("record %d comes twice" % position)
        if not self.export.whole:
            proof = [bytes.fromhex(node) for node in record["proof"]]
            check_inclusion(leaf, position, self.size, proof, self.root)
        if parsed["sealed_at"] < self.last_sealed:
            raise Defect("record %d is dated before the record that precedes it" % position)
        self.last_sealed = parsed["sealed_at"]
        self.check_contents(record, parsed)

    def check_contents(self, record, parsed):
        """Every entry and row that the export shows belongs to its sealed record; a whole export shows all."""
        position = parsed["position"]
        entries, rows = list(parsed["entries"]), list(parsed["rows"])
        for entry in record["entries"]:
            body = base64.b64decode(entry["body"], validate=True)
            self.facts["entries"] += 1
            self.facts["outside"] += entry["event"] == "audit.outside_portal"
            self.facts["guards"] += entry["event"] == "audit.guards_changed"
            digest = entry_digest(dict(entry, body=body))
            if digest not in entries:
                self.defects.append(
                    "record %d: entry %r on %s is not the one that was sealed"
                    % (position, entry["event"], entry["subject"])
                )
                continue
            entries.remove(digest)
            if entry["event"] == "audit.epoch_begun":
                self.named.add(json.loads(body).get("note"))
        for row in record["rows"]:
            body = base64.b64decode(row["body"], validate=True)
            self.facts["rows"] += 1
            digest = row_digest(dict(row, body_sha256=hashlib.sha256(body).digest()))
            if digest not in rows:
                self.defects.append(
                    "record %d: %s %s is not the row that was sealed" % (position, row["table"], row["pk"])
                )
                continue
            rows.remove(digest)
            if row["table"] == "audit_artefact":
                artefact = json.loads(body)
                self.files[artefact["sha256"]] = artefact["retention"], bool(artefact.get("erased_at"))
        if self.export.whole and (entries or rows):
            self.defects.append(
                "record %d: %d entries and %d rows that were sealed are missing" % (position, len(entries), len(rows))
            )

    def check_files(self):
        """Each file of the export is one that a sealed row names; each that must be kept is there.

        A file that was erased left its sealed row, which says so; no file that is kept for good can be erased.
        """
        for name in sorted(self.export.names):
            folder, _, sha256 = name.partition("/")
            if folder != "artefacts" or not sha256:
                continue
            self.facts["files"] += 1
            if sha256 not in self.files:
                self.defects.append("file %s is named by no sealed row" % sha256)
            elif self.export.sha256_of(name) != sha256:
                self.defects.append("file %s is not the one that was filed" % sha256)
            elif self.files[sha256][1]:
                self.defects.append("file %s was erased on the record and is in the export" % sha256)
        for sha256, (retention, is_erased) in sorted(self.files.items()):
            self.facts["erased"] += is_erased
            if is_erased and retention == "record":
                self.defects.append("file %s was filed for good and is on record as erased" % sha256)
            elif retention == "record" and "artefacts/" + sha256 not in self.export.names:
                self.defects.append("file %s was filed for good and is not in the export" % sha256)

    def check_prefix(self, prefix):
        """What an epoch kept of the one before it is still a prefix of the tree."""
        number, size, root = prefix
        try:
            self.check_begins_with(size, root)
        except Defect as defect:
            raise Defect("epoch %d: %s" % (number, defect))

    def check_epochs_named(self, noted):
        """Each epoch note is named by an entry of the log, and no entry names one that is not there."""
        if self.named != noted:
            raise Defect(
                "%d epochs began as the entries of the log say, %d as the notes say, and they are not the same"
                % (len(self.named), len(noted))
            )

    def check_begins_with(self, old_size, old_root):
        """The tree of `old_size` is a prefix of the export's: rebuilt from a whole export, else by its proof."""
        if not self.export.whole or old_size > len(self.leaves):
            self.check_extends(old_size, old_root)
        elif root_of(self.leaves[:old_size]) != old_root:
            raise Defect("the first %d records are not those that were signed: history was rewritten" % old_size)

    def check_receipt(self, receipt):
        try:
            number, old_size, old_root, _ = self.epochs.check_checkpoint(receipt["checkpoint"])
            position, leaf = check_proof(receipt, old_size, old_root)
            found, kept = self.seen.get(position), self.epochs.kept_of(number)
            loss = self.epochs.loss_at(number, position)
            if loss and found != leaf:
                self.lost.append("receipt of record %d: %s" % (position, loss_of(loss)))
                return
            if found not in (None, leaf):
                raise Defect("record %d is not the one that the receipt was given for" % position)
            if found is None and self.export.whole:
                raise Defect("record %d, for which there is a receipt, is gone" % position)
            if kept is None or old_size <= kept:
                self.check_begins_with(old_size, old_root)
            elif found is None:
                raise Defect(
                    "the end of the tree that signed record %d was lost in a restore, and the record is not in this"
                    " export: ask for one that holds it" % position
                )
        except Defect as defect:
            raise Defect("receipt: {}".format(defect))
        self.facts["receipts"] += 1

    def check_extends(self, old_size, old_root):
        """The tree of an earlier checkpoint is a prefix of the export's, by the proof that the export carries."""
        proof = [] if old_size >= self.size else self.export.consistency(old_size)
        if proof is None:
            raise Defect(
                "the export has no consistency proof from the receipt's %d records: ask for an export made for it"
                % old_size
            )
        check_consistency(old_size, old_root, self.size, self.root, proof)


def check_export(path, keys, receipts=(), witnesses=()):
    """Check an export; return the Audit: its defects, the receipts of lost records, and what was checked."""
    audit = Audit(Export(path), keys)
    audit.run(receipts, witnesses)
    return audit


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Check an Assay trail export and receipts without the portal.")
    parser.add_argument("export", help="the zip that the portal gave")
    parser.add_argument(
        "--key",
        required=True,
        action="append",
        help="the log's verifier key, or a file that holds it; keep your own copy. The key of any epoch will do",
    )
    parser.add_argument("--receipt", action="append", default=[], help="a receipt kept from earlier (JSON file)")
    parser.add_argument(
        "--witness", action="append", default=[], help="a witness's verifier key, or a file that holds it"
    )
    options = parser.parse_args(arguments)
    try:
        keys = [parse_key(_text_of(key)) for key in options.key]
        witnesses = [parse_key(_text_of(w)) for w in options.witness]
        receipts = []
        for path in options.receipt:
            with open(path, encoding="utf-8") as stream:
                receipts.append(json.load(stream))
        audit = check_export(options.export, keys, receipts, witnesses)
    except Defect as problem:
        print("cannot be checked: {}".format(problem))
        return 2
    except UNREADABLE as problem:
        print("cannot be checked, the input is damaged or of another kind: {!r}".format(problem))
        return 2
    return report(audit)


def report(audit):
    """Say what was found; the exit status."""
    facts = audit.facts
    for defect in audit.defects:
        print("DEFECT  " + defect)
    for epoch in audit.epochs.begun if audit.epochs else ():
        if epoch["reason"] == "restore":
            print("STATED  %s; that epoch had %d" % (loss_of(epoch), epoch["old_size"]))
    for sentence in audit.lost:
        print("LOST    " + sentence)
    print(
        "%(records)d records, %(entries)d entries (%(outside)d outside the portal, %(guards)d changes of the guards),"
        " %(rows)d rows, %(files)d files, %(erased)d erased files, %(receipts)d receipts,"
        " %(witnesses)d witnesses checked" % facts
    )
    if not audit.asked_for_witnesses:
        print("No witness was asked for: the log's own operator alone vouches for it. Name one with --witness KEY")
    if "size" in facts:
        words = "%(scope)s, from the log %(origin)s of %(size)d records in epoch %(epochs)d, root %(root)s"
        print(words % facts)
    if audit.defects:
        print("NOT VERIFIED: %d defects" % len(audit.defects))
    elif audit.lost:
        print("VERIFIED, but for %d receipts of records that were lost" % len(audit.lost))
    else:
        print("VERIFIED")
    return 1 if audit.defects else 3 if audit.lost else 0


def _text_of(key_or_file):
    try:
        with open(key_or_file, encoding="utf-8") as stream:
            return stream.read()
    except OSError:  # no such file, or a key that is longer than a file's name may be
        return key_or_file


if __name__ == "__main__":
    sys.exit(main())
