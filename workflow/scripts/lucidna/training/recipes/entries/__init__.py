"""What the configuration may say of each recipe component: one file each, with `DEFAULTS` and `check`; no torch."""
