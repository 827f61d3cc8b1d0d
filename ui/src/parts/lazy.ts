import type { ComponentType } from "preact";
import { lazy } from "preact/compat";

/** A component that comes when it is shown for the first time: what the first view does not need. */
export const lazily = <P>(load: () => Promise<ComponentType<P>>): ComponentType<P> => lazy(async () => ({ default: await load() })) as unknown as ComponentType<P>;
