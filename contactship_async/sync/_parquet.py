"""Parquet files: what workers leave for one process to apply."""
