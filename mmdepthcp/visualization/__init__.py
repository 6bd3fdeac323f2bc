from .backends import LocalVisBackend
