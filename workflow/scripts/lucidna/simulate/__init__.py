"""Data with a known answer: a genome with accessible sites, and the field's standard synthetic set."""

from lucidna.simulate.generate import simulate
from lucidna.simulate.meme import read_meme, write_meme
from lucidna.simulate.ppm import random_ppms
from lucidna.simulate.standard import standard_set

__all__ = ["random_ppms", "read_meme", "simulate", "standard_set", "write_meme"]
