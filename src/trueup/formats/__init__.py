"""The field's notations, with the meaning that Go and Kubernetes give them. Pure, and without a word of the domain."""
