"""One transform for a table and for a single request, with equal bits.

A model's ``features.py`` is written once against :class:`Columns`. Training hands it a :class:`Table`
(numpy arrays, one element per row), serving a :class:`Row` (plain Python numbers). Both keep to operations
that IEEE 754 rounds in one way only: ``+ - * / // %``, comparisons, ``where`` and table look-ups. Anything
else (``sin``, ``log``, ``**``) may differ in the last bit between numpy and Python, and the equality test in
tests/unit/models would show it.
"""

from slipway.features.columns import Columns, Row, Table, Values

__all__ = ["Columns", "Row", "Table", "Values"]
