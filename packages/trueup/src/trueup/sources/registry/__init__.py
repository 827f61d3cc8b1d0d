"""A client of container registries: the OCI distribution API."""

from trueup.sources.registry.access import Access, access_from_dockerconfig
from trueup.sources.registry.client import ImageFacts, Platform, RegistryClient

__all__ = ["Access", "ImageFacts", "Platform", "RegistryClient", "access_from_dockerconfig"]
