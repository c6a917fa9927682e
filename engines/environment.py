"""What a worker process that profiles logs should be started with."""

# glibc raises this threshold as large blocks are freed, and then keeps columns on the heap, which fragments: 12 %
# more memory at 1.7 million rows a file, and growing from run to run. A fixed one gives each column back.
WORKER_ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
    # A fixed threshold also fixes this one, at 128 kB: what a heap gives back it takes again for the next block, and
    # the kernel zeroes it each time.
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
    # Matrices are of the order of the features: a second thread for them only waits, on a core that reads.
    "OPENBLAS_NUM_THREADS": "1",
}
