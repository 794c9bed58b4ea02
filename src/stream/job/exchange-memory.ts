/**
 * The memory of an attempt's channels, shared out before the workers start. The sums are bounded whatever the parallelism:
 * many channels get little memory each, and more channels than MOST_CHANNELS are refused.
 *
 * Where every worker hosts one index and there is room for a ring for each pair of subtasks, each pair has one. Otherwise
 * all pairs between two workers share a lane. Memory that nobody has written to takes none of the machine's.
 */
import { createLane } from '../exchange/lane.ts';
import { createRing } from '../exchange/ring.ts';
import { WAKE_UP_BYTES } from '../exchange/wake-up.ts';
import type { JobEdge, JobGraph } from '../graph/job-graph.ts';
import type { ChannelMemory, LaneAssignment, RingAssignment } from '../task/worker-protocol.ts';
import { InvalidJobError } from './errors.ts';
import { channelsOf, indexesOf, LaneNumbers, workerOf } from './placement.ts';

/** Most channels of a job: each costs some kilobytes in the heaps of its two ends. */
export const MOST_CHANNELS = 400_000;
/** Memory of all rings together stays below this; many channels get small rings. */
const RING_BUDGET = 64 * 1024 * 1024;
const LARGEST_RING = 512 * 1024;
const SMALLEST_RING = 32 * 1024;
/**
 * Bytes that may wait in all channels of lanes together, single frames that are larger than a window aside. Less than the
 * memory would allow: a barrier passes only behind all that waits.
 */
const WINDOW_BUDGET = 8 * 1024 * 1024;
const LARGEST_WINDOW = 64 * 1024;
const SMALLEST_WINDOW = 256;
/** Records that may wait in all channels of a worker that stay inside it. */
const LOCAL_BUDGET = 128 * 1024;
const LARGEST_LOCAL = 2048;
const SMALLEST_LOCAL = 16;

/** @throws InvalidJobError for a job with more channels than `most` */
export function checkChannels({ edges }: Pick<JobGraph, 'edges'>, most: number = MOST_CHANNELS): void {
  const channels = sumOf(edges);
  const largest = edges.reduce<JobEdge | undefined>(
    (before, edge) => (before === undefined || channelsOf(edge) > channelsOf(before) ? edge : before),
    undefined,
  );
  if (channels <= most || largest === undefined) return;
  const { from, to } = largest;
  throw new InvalidJobError(
    'JOB_PARALLELISM_TOO_HIGH',
    `the job needs ${channels} channels between its subtasks, and one process has at most ${most}: ` +
      `${from.name} at parallelism ${from.parallelism} sends to ${to.name} at parallelism ${to.parallelism} over ` +
      `${channelsOf(largest)} of them. Lower spec.parallelism; more subtasks than cores make no job faster.`,
  );
}

/** Shared memory for every channel between two workers, and what the others may hold. */
export function allocateChannels(graph: JobGraph, workerCount: number): ChannelMemory {
  const crossing = sumOf(graph.edges.filter(({ partitioning }) => partitioning.how !== 'forward'));
  const hasOwnRings = indexesOf(graph) <= workerCount && crossing * SMALLEST_RING <= RING_BUDGET;
  return {
    rings: hasOwnRings ? ringsFor(graph, workerCount) : [],
    lanes: hasOwnRings ? [] : lanesFor(graph, workerCount, crossing),
    localCapacity: share(LOCAL_BUDGET, sumOf(graph.edges) / workerCount ** 2, SMALLEST_LOCAL, LARGEST_LOCAL),
  };
}

/** One wake-up word per worker. */
export function allocateWakeUps(workerCount: number): SharedArrayBuffer[] {
  return Array.from({ length: workerCount }, () => new SharedArrayBuffer(WAKE_UP_BYTES));
}

function ringsFor(graph: JobGraph, workerCount: number): RingAssignment[] {
  const pairs = graph.edges.flatMap((edge) => crossingPairs(edge, workerCount));
  const bytes = powerOfTwo(share(RING_BUDGET, pairs.length, SMALLEST_RING, LARGEST_RING));
  return pairs.map((pair) => ({ ...pair, memory: createRing(bytes) }));
}

function crossingPairs(
  { id, from, to, partitioning }: JobEdge,
  workerCount: number,
): { edgeId: number; fromSubtask: number; toSubtask: number }[] {
  const pairs: { edgeId: number; fromSubtask: number; toSubtask: number }[] = [];
  if (partitioning.how === 'forward') return pairs;
  for (let fromSubtask = 0; fromSubtask < from.parallelism; fromSubtask++) {
    for (let toSubtask = 0; toSubtask < to.parallelism; toSubtask++) {
      if (workerOf(fromSubtask, workerCount) === workerOf(toSubtask, workerCount)) continue;
      pairs.push({ edgeId: id, fromSubtask, toSubtask });
    }
  }
  return pairs;
}

function lanesFor(graph: JobGraph, workerCount: number, channels: number): LaneAssignment[] {
  const numbers = new LaneNumbers(graph.edges, workerCount);
  const ringBytes = powerOfTwo(share(RING_BUDGET, workerCount * workerCount, SMALLEST_RING, LARGEST_RING));
  const window = share(WINDOW_BUDGET, channels, SMALLEST_WINDOW, LARGEST_WINDOW);
  const lanes: LaneAssignment[] = [];
  for (let fromWorker = 0; fromWorker < workerCount; fromWorker++) {
    for (let toWorker = 0; toWorker < workerCount; toWorker++) {
      const count = fromWorker === toWorker ? 0 : numbers.count(fromWorker, toWorker);
      if (count > 0) lanes.push({ fromWorker, toWorker, memory: createLane(count, ringBytes, window) });
    }
  }
  return lanes;
}

function share(budget: number, among: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.floor(budget / Math.max(1, among))));
}

function powerOfTwo(bytes: number): number {
  return 2 ** Math.floor(Math.log2(bytes));
}

function sumOf(edges: readonly JobEdge[]): number {
  return edges.reduce((sum, edge) => sum + channelsOf(edge), 0);
}
