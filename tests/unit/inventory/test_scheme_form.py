"""A scheme as people write it: read back as it was, whatever order the database left its keys in."""

import yaml

from inventory.forms.schemes import as_text
from inventory.services import shipped_scheme


def test_a_scheme_is_written_from_its_name_to_its_tiers_and_reads_back_as_it_was():
    shipped = shipped_scheme()
    shuffled = {name: shipped[name] for name in sorted(shipped)}

    text = as_text(shuffled)

    assert yaml.safe_load(text) == shipped
    assert list(yaml.safe_load(text)) == ["name", "about", "factors", "axes", "matrix", "residual", "tiers"]
    assert text.startswith("name: Inherent risk and materiality")
