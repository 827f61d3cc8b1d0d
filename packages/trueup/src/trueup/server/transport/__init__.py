"""The sockets: one port, on which REST, gRPC-web and gRPC are spoken. What is large, slow or broken ends here."""
