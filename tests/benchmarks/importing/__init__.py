"""How well models of others come in: `python -m tests.benchmarks.importing` writes reports/importing.md."""
