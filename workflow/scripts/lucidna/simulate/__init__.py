"""Data with a known answer: a genome with accessible sites, and the field's standard synthetic set."""

from lucidna.simulate.generate import simulate
from lucidna.simulate.ppm import random_ppms
from lucidna.simulate.standard import standard_set

__all__ = ["random_ppms", "simulate", "standard_set"]
