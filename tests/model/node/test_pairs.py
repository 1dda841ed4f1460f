"""The verdict against the kernel: texts of guests, each with the kernel's answer to one request right after them."""

from __future__ import annotations

import pytest

from fragtui.model.node.verdict import RequestOutcome
from tests.support.pairs import ANSWERS_THAT_FIT, confusion, confusion_rows, read_pairs

MISSES = {(RequestOutcome.AT_ONCE, "oom"): 1, (RequestOutcome.MAY_FAIL, "at once"): 1}
"""The two that are wrong; the texts and the request are not of one moment."""


@pytest.mark.slow
def test_the_kernel_does_what_the_verdict_says() -> None:
    table = confusion(read_pairs())
    wrong = {key: count for key, count in table.items() if key[1] not in ANSWERS_THAT_FIT[key[0]]}
    assert (table.total(), wrong) == (297, MISSES), "\n".join(confusion_rows(table))
    assert RequestOutcome.UNKNOWN not in {outcome for outcome, _ in table}
    assert table[RequestOutcome.AT_ONCE, "at once"] == 146
    assert sum(count for (outcome, _), count in table.items() if outcome is not RequestOutcome.AT_ONCE) == 150


@pytest.mark.slow
def test_without_pagetypeinfo_it_is_as_right() -> None:
    assert confusion(read_pairs(), ("pagetypeinfo",)) == confusion(read_pairs())


def test_the_table_has_a_row_for_each_outcome_and_counts_what_fits() -> None:
    rows = confusion_rows({(RequestOutcome.AT_ONCE, "at once"): 3, **MISSES, (RequestOutcome.UNKNOWN, "oom"): 2})
    assert [row.split()[-4:] for row in rows[1:4]] == [["3", "0", "0", "1"], ["1", "0", "0", "0"], ["0", "0", "0", "2"]]
    assert rows[-1].startswith("3 of 5 fit, 2 unknown")
