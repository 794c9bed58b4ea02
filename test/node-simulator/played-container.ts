/** A container that is only played: no process, but it becomes ready, answers where a job answers, and ends when told to. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { ApiClient } from '../../src/kube/index.ts';
import { JOB_EXIT } from '../../src/lib/exit-codes.ts';
import type { ContainerEnd, ContainerSignal, RunningContainer } from './container.ts';
import type { Pod } from './pod-shapes.ts';

/** How a container is played. */
export interface PlayedFacts {
  /** From running to ready. @default 0 */
  readonly readyAfterMs?: number;
  /** What it does before it is ready. @default nothing */
  readonly begin?: () => Promise<void>;
  /** It ends by itself, ready or not. @default it goes on */
  readonly ends?: ContainerEnd & { readonly afterMs?: number };
  /** It ends when somebody else says so, in this way. */
  readonly ended?: Promise<ContainerEnd>;
  /** How it answers SIGTERM. @default exit code 14, as a job that is stopped */
  readonly onStop?: ContainerEnd;
  /** Who answers at its port. @default nobody listens */
  readonly answer?: RequestListener;
  /** Told when it has ended, however that came. */
  readonly onEnd?: () => void;
}

/** Facts, or what gives them in the moment in which the container starts. */
export type Play = PlayedFacts | ((place: PlayPlace) => PlayedFacts);

/** Where a container is played. */
export interface PlayPlace {
  readonly pod: Pod;
  readonly client: ApiClient;
  readonly signal: AbortSignal;
}

const LAST_ANSWERS_MS = 1_000;
const REST_PORT = 8_081;

export class PlayedContainer implements RunningContainer {
  readonly ended: Promise<ContainerEnd>;
  readonly output = '';
  readonly #facts: PlayedFacts;
  readonly #end: (end: ContainerEnd) => void;
  readonly #server: Server | undefined;
  #isFrozen = false;

  constructor(facts: PlayedFacts, podIP: string) {
    this.#facts = facts;
    const { promise, resolve } = Promise.withResolvers<ContainerEnd>();
    const { answer, ends } = facts;
    if (answer !== undefined)
      this.#server = createServer((request, response) => {
        if (!this.#isFrozen) answer(request, response);
      })
        .on('error', (error) => resolve(failed(error)))
        .listen(REST_PORT, podIP);
    const timer = ends === undefined ? undefined : setTimeout(() => resolve(ends), ends.afterMs ?? 0);
    facts.ended?.then(resolve);
    this.#end = resolve;
    this.ended = promise.then((end) => {
      clearTimeout(timer);
      this.#server?.close();
      // Whoever asks for its end gets an answer.
      setTimeout(() => this.#server?.closeAllConnections(), LAST_ANSWERS_MS).unref();
      facts.onEnd?.();
      return end;
    });
  }

  /** It ends now. */
  end(end: ContainerEnd): void {
    this.#end(end);
  }

  async signal(signal: ContainerSignal): Promise<void> {
    switch (signal) {
      case 'SIGTERM':
        this.#end(this.#facts.onStop ?? { exitCode: JOB_EXIT.stopped });
        break;
      case 'SIGKILL':
        this.#server?.closeAllConnections();
        this.#end({ exitCode: 137 });
        break;
      default:
        this.#isFrozen = signal === 'SIGSTOP';
    }
  }

  watchReadiness(tell: (isReady: boolean) => void, until: AbortSignal): void {
    const { begin, readyAfterMs = 0 } = this.#facts;
    const becomes = async (): Promise<void> => {
      await begin?.();
      if (!until.aborted) tell(true);
    };
    // As a process that cannot do what it begins with.
    const timer = setTimeout(() => becomes().catch((error) => this.#end(failed(error))), readyAfterMs);
    until.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }
}

function failed(error: unknown): ContainerEnd {
  return { exitCode: 1, message: String(error) };
}
