/**
 * A named place between two steps where a crash would matter. Code that promises to survive a kill at any instant calls
 * its fault point there; in production it does nothing, in tests it kills the process, throws, or never returns.
 */
export type FaultPoint = (point: string) => void | Promise<void>;

/** The fault point of production: nothing happens. */
export const noFaults: FaultPoint = () => {};
