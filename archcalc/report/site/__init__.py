"""The whole library as a static site: files by their path, from the same data as `reports/`."""
