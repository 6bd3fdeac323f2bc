"""The same in plain numpy and PyTorch, written from the publications alone: what tests and benchmarks compare with."""
