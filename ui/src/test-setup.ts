import fc from "fast-check";

// A run tries the same examples as the one before; SEED=… tries others.
fc.configureGlobal({ seed: Number(process.env.SEED ?? 20) });
