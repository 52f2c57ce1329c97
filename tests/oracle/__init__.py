"""Slow, plain big-integer verifiers, written from the specifications and from nothing in csrc.

They answer two questions: what does the specification say about this input, and does the C core agree. Every function
returns the name of a verdict code (``csrc/status.def``), so a disagreement reads as "VALID here, HIGH_S there".
"""
