"""Write an attribution file's sequences and maps as ohe.npz and attr.npz."""

from lucidna.attribution.npz import write_npz
from lucidna.runtime import script

with script(snakemake):
    write_npz(snakemake.input.maps, snakemake.output.onehot, snakemake.output.maps)
