/**
 * Jobs that are played, whose leaders write pointers to checkpoints as real ones do, into the object of the job and under their
 * epoch. A leader that begins from an older checkpoint than was completed before is a violation.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { LABELS, POD_VARIABLES } from '../../src/api/index.ts';
import { checkpointIdOf, checkpointKey, encodeLive, type HaSnapshot } from '../../src/ha/index.ts';
import { ConfigMapHandleBackend } from '../../src/ha/kubernetes/index.ts';
import type { ApiClient } from '../../src/kube/index.ts';
import { JOB_EXIT } from '../../src/lib/exit-codes.ts';
import { objectNames } from '../../src/resources/index.ts';
import { type Play, type Pod, playedJobs } from '../node-simulator/index.ts';

const CHECKPOINT_EVERY_MS = 60;

/** For `played` of a simulator, and what was completed of which life. */
export class PlayedCheckpoints {
  readonly violations: string[] = [];
  readonly #completed = new Map<string, number>();
  readonly #real = playedJobs();
  readonly #failing = new Map<string, () => void>();

  /** The job in the pod says that it has failed, and ends. */
  fail(uid: string): void {
    this.#failing.get(uid)?.();
  }

  /** Somebody has deleted the pointers: what was completed is not found by them any more. */
  pointersAreLost(): void {
    this.#completed.clear();
  }

  readonly played = (pod: Pod): Play | undefined => {
    const play = this.#real(pod);
    if (typeof play !== 'function') return play;
    return (place) => {
      const facts = play(place);
      const failed = Promise.withResolvers<{ exitCode: number; message: string }>();
      const over = new AbortController();
      const attempt = Number(pod.metadata?.labels?.[LABELS.attempt]);
      const record = { exitCode: JOB_EXIT.failed, attempt, epoch: 0, outcome: 'failed', cause: 'made to fail' };
      const end = { exitCode: JOB_EXIT.failed, message: JSON.stringify(record) };
      this.#failing.set(pod.metadata?.uid ?? '', () => failed.resolve(end));
      return {
        ...facts,
        ended: Promise.race([failed.promise, facts.ended ?? failed.promise]),
        begin: async () => {
          await facts.begin?.();
          const signal = AbortSignal.any([over.signal, place.signal]);
          void this.#writes(new Leading(place.client, pod, attempt, signal), signal);
        },
        onEnd: () => {
          over.abort();
          facts.onEnd?.();
        },
      };
    };
  };

  async #writes(leading: Leading, over: AbortSignal): Promise<void> {
    while (!over.aborted && !leading.isOver) {
      // What the server does not answer is asked again.
      const done = await leading.checkpoint().catch(() => undefined);
      if (done?.restored !== undefined) this.#restored(done.life, done.restored, leading.name);
      if (done?.completed !== undefined) this.#completed.set(done.life, done.completed);
      await pause(CHECKPOINT_EVERY_MS);
    }
  }

  #restored(life: string, newest: number, who: string): void {
    const known = this.#completed.get(life) ?? 0;
    if (newest < known) this.violations.push(`${who} restores checkpoint ${newest}, and ${known} was completed`);
  }
}

/** One pod, while it leads. */
class Leading {
  readonly name: string;
  /** Another one leads by now, or another attempt is open. */
  isOver = false;
  readonly #backend: ConfigMapHandleBackend;
  readonly #uid: string;
  readonly #jobId: string;
  readonly #attempt: number;
  #epoch: number | undefined;

  constructor(client: ApiClient, pod: Pod, attempt: number, signal: AbortSignal) {
    const { namespace = '', name = '', uid = '', labels = {} } = pod.metadata ?? {};
    const { handles } = objectNames(labels[LABELS.job] ?? '');
    const variables = pod.spec?.containers[0]?.env ?? [];
    this.name = name;
    this.#uid = uid;
    this.#jobId = variables.find((variable) => variable.name === POD_VARIABLES.jobId)?.value ?? '';
    this.#attempt = attempt;
    this.#backend = new ConfigMapHandleBackend({ client, signal, namespace, name: handles });
  }

  /** The next one, if it leads. `restored`: what it began from, told once. */
  async checkpoint(): Promise<{ life: string; restored?: number; completed?: number } | undefined> {
    const seen = await this.#backend.read();
    if (seen === undefined || !this.#leads(seen)) {
      this.isOver = this.#epoch !== undefined;
      return undefined;
    }
    const keys = [...seen.entries.keys()].filter((key) => checkpointIdOf(key) >= 0);
    const newest = Math.max(0, ...keys.map(checkpointIdOf));
    const isFirst = this.#epoch === undefined;
    this.#epoch = seen.epoch;
    const isDone = await this.#pointTo(newest + 1, keys, seen);
    return {
      life: `${seen.uid}/${this.#jobId}`,
      ...(isFirst ? { restored: newest } : {}),
      ...(isDone ? { completed: newest + 1 } : {}),
    };
  }

  #leads({ leader, attempt, epoch }: HaSnapshot): boolean {
    const isNamed = leader.startsWith(`${this.#uid}_`) && attempt === this.#attempt;
    return isNamed && (this.#epoch === undefined || this.#epoch === epoch);
  }

  async #pointTo(id: number, others: readonly string[], { uid, epoch, seq }: HaSnapshot): Promise<boolean> {
    const path = `${this.#jobId}/ha/completedCheckpoint-${epoch}-${id}`;
    const pointer = { id: `${id}`, path, sizeBytes: 1, sha256: '0'.repeat(64) };
    const { answer } = await this.#backend.patch({
      expect: { uid, epoch, seq },
      entries: new Map([[checkpointKey(id), encodeLive(pointer)], ...others.map((key) => [key, undefined] as const)]),
      writer: this.#uid,
    });
    return answer === 'done';
  }
}
