"""What a page says after something was decided."""

from django.db.models import Model as Record

from audit.checkpoints import wait_for_receipt
from audit.reading import entries_on


def receipt_words(done: Record) -> str:
    """The receipt of what was done last to a record, once it is committed: waited for, and never promised before."""
    position = entries_on(done)[0].sealed_in_id
    receipt = wait_for_receipt(position)
    if receipt is None:
        return f"Counted as record {position} of the log; its receipt is pending, no checkpoint covers it yet."
    return f"Receipt: record {position} of the log, covered by a signed checkpoint."
