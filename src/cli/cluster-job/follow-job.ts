/** A FlinkJob and its pods as they change: watched, not polled. */

import {
  ApiError,
  FLINK_JOBS,
  type FlinkJobObject,
  type KubeObject,
  PODS,
  type Pod,
  type ResourceDef,
  type Selection,
  watch,
} from '../../kube/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { podLabels } from './look-at-job.ts';
import type { ClusterJob } from './open-cluster.ts';

/** A job as it is now; undefined once there is none. */
export interface JobNow {
  readonly job: FlinkJobObject | undefined;
  readonly pods: readonly Pod[];
}

/**
 * The job as it is, and again after each change; changes that come while the last is dealt with are told as one. Ends when
 * the job is gone, or the signal fires.
 * @throws ApiError when it may not be watched
 */
export async function* followJob(where: ClusterJob): AsyncGenerator<JobNow, void, void> {
  const { namespace, name } = where;
  using jobs = new Copy(where, FLINK_JOBS, { namespace, fieldSelector: `metadata.name=${name}` });
  using pods = new Copy(where, PODS, { namespace, labelSelector: podLabels(name) });
  const wake = new Wake();
  jobs.onChange(() => wake.now());
  pods.onChange(() => wake.now());
  while (!where.signal.aborted) {
    await wake.wait(where.signal);
    if (where.signal.aborted) return;
    // Pods that may not be watched are missing on the screen; a job that may not be is not.
    if (jobs.failure !== undefined) throw jobs.failure;
    if (!jobs.isFilled || !(pods.isFilled || pods.failure !== undefined)) continue;
    const [job] = jobs.objects;
    yield { job, pods: pods.objects };
    if (job === undefined) return;
  }
}

/** The job alone, as it is and after each change; undefined once there is none, or while nothing can be seen for now. */
export async function* followResource(
  where: ClusterJob,
  signal: AbortSignal,
): AsyncGenerator<FlinkJobObject | undefined | 'interrupted'> {
  const { namespace, name } = where;
  using jobs = new Copy({ ...where, signal }, FLINK_JOBS, { namespace, fieldSelector: `metadata.name=${name}` });
  const wake = new Wake();
  jobs.onChange(() => wake.now());
  while (!signal.aborted) {
    await wake.wait(signal);
    if (signal.aborted) return;
    if (jobs.failure !== undefined) throw jobs.failure;
    if (jobs.isInterrupted) yield 'interrupted';
    else if (jobs.isFilled) yield jobs.objects[0];
  }
}

/** Objects of a selection, kept as the watch tells. */
class Copy<T extends KubeObject> implements Disposable {
  private readonly known = new Map<string, T>();
  private readonly stop = new AbortController();
  private told: () => void = () => {};
  /** Whether all were told once. */
  isFilled = false;
  /** Nothing can be seen for now; it is tried again. */
  isInterrupted = false;
  /** The server forbids it: trying again does not help. */
  failure: ApiError | undefined;

  constructor({ client, signal }: ClusterJob, def: ResourceDef<T>, selection: Selection) {
    const events = watch(client, def, { ...selection, signal: AbortSignal.any([signal, this.stop.signal]) });
    void this.keep(events);
  }

  onChange(told: () => void): void {
    this.told = told;
  }

  get objects(): T[] {
    return [...this.known.values()];
  }

  [Symbol.dispose](): void {
    this.stop.abort();
  }

  private async keep(events: ReturnType<typeof watch<T>>): Promise<void> {
    for await (const event of events) {
      switch (event.type) {
        case 'init':
          this.known.clear();
          this.isFilled = false;
          break;
        case 'initApply':
        case 'apply':
          this.known.set(event.object.metadata?.name ?? '', event.object);
          break;
        case 'delete':
          this.known.delete(event.object.metadata?.name ?? '');
          break;
        case 'initDone':
          this.isFilled = true;
          break;
        case 'interrupted':
          if (event.error instanceof ApiError && isFinal(event.error)) this.failure = event.error;
          break;
        case 'bookmark':
          continue;
        default:
          assertNever(event);
      }
      this.isInterrupted = event.type === 'interrupted' && event.error !== undefined;
      if (event.type !== 'init' && event.type !== 'initApply') this.told();
      if (this.failure !== undefined) this.stop.abort();
    }
  }
}

function isFinal(error: ApiError): boolean {
  return error.isForbidden || error.isNotFound || error.isUnauthorized;
}

/** Remembers that something happened until somebody waits for it. */
class Wake {
  private happened = false;
  private waiting: (() => void) | undefined;

  now(): void {
    this.happened = true;
    this.waiting?.();
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (!this.happened && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.happened = false;
    this.waiting = undefined;
  }
}
