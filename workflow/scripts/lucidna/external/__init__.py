"""Networks trained elsewhere: brought into a grid's panel, or ranked by maps that exist already."""
