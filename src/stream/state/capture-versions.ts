/**
 * Which objects a capture in flight still needs. Objects are marked with the version in which they were last replaced; one
 * older than `required` is shared with a capture and is copied before anybody may change it. Follows the scheme of
 * Flink's CopyOnWriteStateMap.
 */
export class CaptureVersions {
  /** The mark for objects written now. */
  current = 1;
  /** Objects marked below this are shared with a capture; 0 while no capture is in flight. */
  required = 0;
  readonly #inFlight = new Set<number>();

  /** Starts a capture: what is marked so far belongs to it. */
  begin(): number {
    this.current++;
    this.required = this.current;
    this.#inFlight.add(this.current);
    return this.current;
  }

  end(version: number): void {
    this.#inFlight.delete(version);
    this.required = Math.max(0, ...this.#inFlight);
  }
}
