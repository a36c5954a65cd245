from __future__ import annotations

import shutil
import subprocess

import pytest

from minnet.lab import provenance


def git(folder, *args):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", "-C", folder, *identity, *args], check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_of_a_checkout_and_whether_files_differ_from_it(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    assert provenance.commit(tmp_path) == commit
    (tmp_path / "file").write_text("2")
    assert provenance.commit(tmp_path) == f"{commit}-dirty"


def test_no_commit_outside_a_checkout(tmp_path):
    assert provenance.commit(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert provenance.commit(tmp_path) is None


def test_a_session_tells_what_it_ran_with():
    session = provenance.session(jobs=2, engine="local")
    assert {"minnet", "numba", "numpy", "python"} <= session["versions"].keys()
    assert session["hardware"]["processor"]
    assert session["blas"][0]["library"]
    assert (session["jobs"], session["threads"]) == (2, 1)
