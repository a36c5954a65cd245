"""Where compiled kernels are kept, and what happens where they can't be."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from minnet import jit

compiled_only = pytest.mark.skipif(jit.INTERPRETED, reason="looks at compiled code")
STEP = """
import numpy as np, minnet, logging, os
logging.basicConfig(level=logging.DEBUG)
for name in os.environ.get("METHODS", "adam").split():
    opt = minnet.optimizers.create(name)
    w = np.ones(3)
    opt.step(w, w.copy(), opt.init(w))
    if "SYMBOLS" in os.environ:
        [found] = opt.update("float64").overloads.values()
        logging.debug("symbol " + found.fndesc.llvm_cfunc_wrapper_name)
"""


def step(**environment):
    command = [sys.executable, "-c", STEP]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True).stderr


@compiled_only
def test_a_second_process_compiles_nothing(tmp_path):
    assert "minnet:compiled" in step(NUMBA_CACHE_DIR=str(tmp_path))
    again = step(NUMBA_CACHE_DIR=str(tmp_path))
    assert "minnet:loaded" in again
    assert "minnet:compiled" not in again


@compiled_only
def test_every_kernel_has_files_of_its_own(tmp_path):
    # Two processes that add to one list of files at the same time would find one method's code under another's name.
    step(NUMBA_CACHE_DIR=str(tmp_path), METHODS="adam adamax adabelief")
    lists = list(tmp_path.rglob("*.nbi"))
    assert sum(file.name.startswith("compile.two_slots") for file in lists) == 3
    assert len({file.parent for file in lists}) == len(lists) == len(list(tmp_path.rglob("*.nbc")))


@compiled_only
def test_kernels_of_different_processes_have_different_symbols(tmp_path):
    # A function pointer is found by its symbol: one that two kernels share would lead to the code of the other method.
    # The seed of hashes decides in which order Numba writes options into a symbol.
    settings = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONHASHSEED": "0", "SYMBOLS": "1"}
    for name in ("momentum", "adagrad"):  # loops of one form, each the first that its process compiles
        step(METHODS=name, **settings)
    loaded = step(METHODS="momentum adagrad", **settings)
    assert loaded.count("minnet:loaded") == 2
    symbols = [line for line in loaded.splitlines() if "symbol " in line]
    assert len(set(symbols)) == len(symbols) == 2


@compiled_only
def test_an_edit_starts_a_new_folder(monkeypatch):
    before = jit.source_digest()
    monkeypatch.setattr(jit, "KERNEL_SOURCE", ("jit.py",))
    jit.source_digest.cache_clear()
    try:
        assert jit.source_digest() != before
    finally:
        jit.source_digest.cache_clear()


def test_falls_back_to_a_folder_that_can_be_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    jit.cache_folder.cache_clear()
    try:
        folder = jit.cache_folder()
        assert folder is not None
        assert not folder.is_relative_to(blocked)
    finally:
        jit.cache_folder.cache_clear()


def test_no_folder_at_all_is_a_warning(monkeypatch, caplog):
    def refuse(*args, **options):
        raise PermissionError("read-only")

    monkeypatch.setattr(jit.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(jit.tempfile, "gettempdir", refuse)
    jit.cache_folder.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, "minnet"):
            assert jit.cache_folder() is None
        assert "compile anew" in caplog.text
    finally:
        jit.cache_folder.cache_clear()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners of files")
def test_a_temporary_folder_that_others_may_write_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(jit.tempfile, "gettempdir", lambda: str(tmp_path))
    home = jit._temporary_home()
    assert home is not None
    assert home.stat().st_mode & 0o777 == 0o700
    home.chmod(0o777)
    assert jit._temporary_home() is None
