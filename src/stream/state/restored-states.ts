/**
 * States of a checkpoint that nobody has asked for yet. They stay as the bytes they were: asking for one decodes it, the
 * others go into the next capture unchanged, so that no state is lost because a run did not touch it.
 */
import type { KeyedStateMeta, RestoredKeyedState } from './backend.ts';

/** One state of one old subtask. */
export interface RestoredState {
  readonly meta: KeyedStateMeta;
  readonly blocks: readonly RestoredBlock[];
}

export interface RestoredBlock {
  readonly keyGroup: number;
  readonly bytes: Uint8Array;
}

export class RestoredStates {
  #states: RestoredState[] = [];

  add(handle: RestoredKeyedState): void {
    const perState = handle.states.map((meta) => ({ meta, blocks: [] as RestoredBlock[] }));
    for (const { stateIndex, keyGroup, bytes } of handle.blocks) perState[stateIndex]?.blocks.push({ keyGroup, bytes });
    this.#states.push(...perState);
  }

  /** All parts of a state or timer service. They stay here until `remove`. */
  find(name: string, timers: boolean): readonly RestoredState[] {
    return this.#states.filter(({ meta }) => meta.name === name && (meta.kind === 'timers') === timers);
  }

  /** The parts belong to somebody else now. */
  remove(parts: readonly RestoredState[]): void {
    this.#states = this.#states.filter((state) => !parts.includes(state));
  }

  /** What is left, the parts of one state together and key groups ascending. */
  remaining(): readonly RestoredState[] {
    const merged = new Map<string, { meta: KeyedStateMeta; blocks: RestoredBlock[] }>();
    for (const { meta, blocks } of this.#states) {
      const identity = JSON.stringify(meta);
      const same = merged.get(identity);
      if (same === undefined) merged.set(identity, { meta, blocks: [...blocks] });
      else same.blocks.push(...blocks);
    }
    for (const { blocks } of merged.values()) blocks.sort((left, right) => left.keyGroup - right.keyGroup);
    return [...merged.values()];
  }
}
