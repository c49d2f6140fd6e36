"""A folder of kernels for tests that look at what lies there."""

from __future__ import annotations

import pytest

from snnctl.kernels import compiled, cuda


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder of kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNNCTL_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TRITON_CACHE_DIR", str(tmp_path_factory.mktemp("triton")))
        compiled.kernel_folder.cache_clear()
        cuda._functions.cache_clear()
        yield compiled.kernel_folder()
    compiled.kernel_folder.cache_clear()
    cuda._functions.cache_clear()
