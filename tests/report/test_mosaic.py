"""Many small images as one."""

from __future__ import annotations

import numpy as np

from snnctl.report.mosaic import mosaic


def test_rows_columns_and_gaps():
    n = np.nan
    np.testing.assert_array_equal(
        mosaic(np.array([[[1, 2]], [[3, 4]], [[5, 6]]]), columns=2),
        [[1, 2, n, 3, 4], [n, n, n, n, n], [5, 6, n, n, n]],
    )
