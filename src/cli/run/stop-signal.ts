/**
 * What signals ask of a run. The first SIGINT or SIGTERM asks the job to end as `deletion.mode` says, the second kills its
 * process and gives the job back, a third ends this process where it stands.
 *
 * Wrappers pass one request on twice: `timeout` signals its child and then the child's whole group, `npx` repeats the
 * Ctrl-C that the terminal has sent already. The same signal again, at once, is no second request.
 */
import type { Clock } from '../../lib/clock.ts';
import { EXIT } from '../command.ts';

/** A person needs longer than this to decide on a second signal. */
const ECHO_MS = 500;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Where signals come from: the process, outside of tests. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

export interface StopSignal {
  /** Asked to end. */
  readonly signal: AbortSignal;
  /** Asked to end now. */
  readonly kill: AbortSignal;
  dispose(): void;
}

/** Listens until disposed of. */
export function stopSignal(source: SignalSource, clock: Clock): StopSignal {
  const stop = new AbortController();
  const kill = new AbortController();
  let first: { readonly name: NodeJS.Signals; readonly at: number } | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    if (kill.signal.aborted) {
      source.exit(EXIT.interrupted);
    } else if (first === undefined) {
      first = { name, at: clock.monotonic() };
      stop.abort();
    } else if (name !== first.name || clock.monotonic() - first.at >= ECHO_MS) kill.abort();
  };
  for (const name of SIGNALS) source.on(name, onSignal);
  return {
    signal: stop.signal,
    kill: kill.signal,
    dispose() {
      for (const name of SIGNALS) source.off(name, onSignal);
    },
  };
}
