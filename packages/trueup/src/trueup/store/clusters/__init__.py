"""Clusters that Applications go to, by Argo CD's cluster Secrets."""
