"""One telling: what becomes of applications, and each who reads it in a module of its own."""
