/** What a test has said of pods before they come: which are held up where, and which are played instead of run. */
import type { PlayedFacts } from './played-container.ts';
import type { Pod } from './pod-shapes.ts';

/** Which pods: one by its name, or all that a function says yes to. */
export type PodMatch = string | ((pod: Pod) => boolean);

/** Where a pod can be held up on its way to running. */
export type Obstacle = 'unschedulable' | 'imagePull' | 'creating';

/** Pods are held up until it is released. */
export interface Hold {
  release(): void;
}

interface ActiveHold {
  readonly obstacle: Obstacle;
  readonly match: PodMatch;
  readonly released: Promise<void>;
}

export class Scenarios {
  readonly #holds = new Set<ActiveHold>();
  readonly #starts: { readonly match: PodMatch; readonly delayMs: number }[] = [];
  readonly #plays: { readonly match: PodMatch; readonly play: PlayedFacts }[] = [];

  hold(obstacle: Obstacle, match: PodMatch): Hold {
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const hold: ActiveHold = { obstacle, match, released };
    this.#holds.add(hold);
    return {
      release: () => {
        this.#holds.delete(hold);
        resolve();
      },
    };
  }

  delayStart(match: PodMatch, delayMs: number): void {
    this.#starts.unshift({ match, delayMs });
  }

  play(match: PodMatch, play: PlayedFacts): void {
    this.#plays.unshift({ match, play });
  }

  /** Resolves when what holds the pod up is released; undefined when nothing does. */
  heldUp(pod: Pod, obstacle: Obstacle): Promise<void> | undefined {
    const holds = [...this.#holds].filter((hold) => hold.obstacle === obstacle && isMatch(hold.match, pod));
    return holds.length === 0 ? undefined : Promise.all(holds.map(({ released }) => released)).then(() => {});
  }

  startDelayMs(pod: Pod): number {
    return this.#starts.find(({ match }) => isMatch(match, pod))?.delayMs ?? 0;
  }

  playOf(pod: Pod): PlayedFacts | undefined {
    return this.#plays.find(({ match }) => isMatch(match, pod))?.play;
  }
}

function isMatch(match: PodMatch, pod: Pod): boolean {
  return typeof match === 'string' ? pod.metadata?.name === match : match(pod);
}
