"""Side-by-side measurements: Cairn and what people use today, on one machine, in one run, on one tenant."""
