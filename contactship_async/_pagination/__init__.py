"""Pagination: the passes over all pages of a listing, whatever its rows are."""
