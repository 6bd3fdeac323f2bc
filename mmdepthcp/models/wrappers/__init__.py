from .cpu_data_parallel import CPUDataParallel

__all__ = ['CPUDataParallel']
