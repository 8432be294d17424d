"""Comparing two exports: pairing rows, judging them, and a report that people can read."""

from vedette.relocation.comparing.comparing import compare
from vedette.relocation.comparing.result import CompareResult, ModelCounts

__all__ = ["CompareResult", "ModelCounts", "compare"]
