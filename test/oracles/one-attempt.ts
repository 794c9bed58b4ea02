/** At most one attempt of a job is alive at any time, as the pods of a namespace show it while a test goes on. */
import { LABELS } from '../../src/api/index.ts';
import { type ApiClient, PODS, type Pod, watch } from '../../src/kube/index.ts';
import { systemClock } from '../../src/lib/clock.ts';

/** What was seen so far. */
export class AttemptWatch {
  /** Instants at which two attempts of one FlinkJob had pods that had not ended. */
  readonly violations: string[] = [];
  readonly #pods = new Map<string, Pod>();
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;

  constructor(client: ApiClient, namespace: string) {
    this.#watching = this.#follow(client, namespace);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #follow(client: ApiClient, namespace: string): Promise<void> {
    const { signal } = this.#stop;
    for await (const event of watch(client, PODS, { namespace, signal, clock: systemClock, random: Math.random })) {
      if (event.type === 'init') this.#pods.clear();
      if (event.type === 'apply' || event.type === 'initApply') this.#pods.set(uidOf(event.object), event.object);
      if (event.type === 'delete') this.#pods.delete(uidOf(event.object));
      // Pods of one list were all there at one moment; told one by one, they may have been seen at different ones.
      if (event.type !== 'initApply') this.#look();
    }
  }

  #look(): void {
    const attempts = new Map<string, Set<string>>();
    for (const { metadata, status } of this.#pods.values()) {
      if (status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
      const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true)?.uid ?? '';
      const seen = attempts.get(owner) ?? new Set<string>();
      attempts.set(owner, seen.add(metadata?.labels?.[LABELS.attempt] ?? ''));
    }
    for (const [owner, seen] of attempts) {
      if (seen.size > 1) this.violations.push(`FlinkJob ${owner} has attempts ${[...seen].join(' and ')} at once`);
    }
  }
}

function uidOf({ metadata }: Pod): string {
  return metadata?.uid ?? '';
}
