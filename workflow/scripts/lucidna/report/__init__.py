"""The report: one self-contained page that shows what an experiment found and how far it can be believed."""
