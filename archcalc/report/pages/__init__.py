"""The pages under `reports/`: the folder, the catalogue of networks, the ledger, the manual of operators."""
