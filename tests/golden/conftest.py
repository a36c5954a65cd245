"""Keep pytest from importing the recorder: it needs PyTorch, which the tests do without."""

collect_ignore = ["record_torch.py"]
