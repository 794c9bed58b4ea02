/**
 * Asked before each call that changes something outside this process. Whoever holds a lease implements it, so that nothing
 * is sent once the lease may have run out. It keeps late writes few; what keeps them harmless is the condition each write
 * carries to the server.
 */
export interface WriteGate {
  /** For how many more milliseconds, by this process's monotonic clock, writing is surely allowed; 0 when it is not. */
  remainingMs(): number;
  /** Fires once, when the lease is lost. Writes under way are abandoned then. */
  readonly closed: AbortSignal;
}
