/** A container that runs, whatever it is made of. */

/** How a container ended. */
export interface ContainerEnd {
  readonly exitCode: number;
  /** @default Completed for exit code 0, else Error */
  readonly reason?: string;
  /** What it left as its termination message. */
  readonly message?: string;
}

export type ContainerSignal = 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

export interface RunningContainer {
  readonly ended: Promise<ContainerEnd>;
  /** All it has written. */
  readonly output: string;
  /** SIGSTOP has taken effect when it resolves. */
  signal(signal: ContainerSignal): Promise<void>;
  /** Tells whether it is ready, whenever that changes; until the signal fires. */
  watchReadiness(tell: (isReady: boolean) => void, until: AbortSignal): void;
}

/** What a kubelet keeps of a termination message. */
export const MOST_MESSAGE_BYTES = 4_096;
