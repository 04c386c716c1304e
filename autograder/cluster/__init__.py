"""A class graded on a cluster: Dask carries submissions to workers and results back, this machine writes."""
