"""Reports of runs, one file each."""
