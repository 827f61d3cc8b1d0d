"""The playground: a cluster, a repository and an engine, brought up and taken down as one; and what the tour shows."""
