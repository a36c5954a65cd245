"""Keep pytest from importing the recorders: they need the libraries, which the tests do without."""

collect_ignore_glob = ["record_*.py"]
