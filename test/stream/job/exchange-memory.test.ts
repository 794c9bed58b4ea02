import { expect, test } from 'vitest';
import { StreamExecutionEnvironment } from '../../../src/stream/datastream/environment.ts';
import { buildJobGraph, type JobGraph } from '../../../src/stream/graph/job-graph.ts';
import { allocateChannels, checkChannels, MOST_CHANNELS } from '../../../src/stream/job/exchange-memory.ts';
import { Types } from '../../../src/stream/types/index.ts';

/** A source and as many keyed operators behind it as there are exchanges. */
function aGraph(parallelism: number, exchanges = 1): JobGraph {
  const env = new StreamExecutionEnvironment({ args: [], parallelism });
  let stream = env.fromSequence(1, 10);
  for (let exchange = 0; exchange < exchanges; exchange++) {
    stream = stream.keyBy((value) => value, Types.SAFE_LONG).reduce((left) => left);
  }
  return buildJobGraph(env.transformations(), { parallelism, maxParallelism: undefined });
}

const MIB = 1024 * 1024;

function sharedBytes(graph: JobGraph, workers: number): number {
  const { rings, lanes } = allocateChannels(graph, workers);
  const ofRings = rings.reduce((sum, { memory }) => sum + memory.byteLength, 0);
  return lanes.reduce((sum, { memory: { ring, credits } }) => sum + ring.byteLength + credits.byteLength, ofRings);
}

test('where every worker hosts one index, each pair of subtasks on two threads has a ring', () => {
  const { rings, lanes, localCapacity } = allocateChannels(aGraph(3), 3);
  expect([rings.length, lanes.length, localCapacity]).toEqual([6, 0, 2048]);
});

test('where workers host several, there is one lane from each worker to each other', () => {
  const { rings, lanes } = allocateChannels(aGraph(300), 4);
  expect([rings.length, lanes.length]).toEqual([0, 12]);
});

test('nothing is allocated for one worker alone', () => {
  const { rings, lanes } = allocateChannels(aGraph(300), 1);
  expect([rings.length, lanes.length]).toEqual([0, 0]);
});

test.each([
  [2, 2, 1],
  [45, 45, 1],
  [128, 128, 5],
  [300, 4, 1],
  [300, 8, 4],
])(
  'the channels of parallelism %i on %i workers over %i exchanges share at most 600 MiB',
  (parallelism, workers, exchanges) => {
    expect(sharedBytes(aGraph(parallelism, exchanges), workers)).toBeLessThan(600 * MIB);
  },
);

test('few channels may hold much each, many little', () => {
  const held = (parallelism: number) => {
    const { lanes, localCapacity } = allocateChannels(aGraph(parallelism), 4);
    return [lanes[0]?.memory.window, localCapacity];
  };
  expect(held(8)).toEqual([65_536, 2048]);
  expect(held(64)).toEqual([2048, 512]);
  expect(held(300)).toEqual([256, 23]);
});

test('a job with too many channels is refused by name, with the parallelism and the limit', () => {
  expect(() => checkChannels(aGraph(632))).not.toThrow();
  expect(() => checkChannels(aGraph(700))).toThrow(
    expect.objectContaining({
      code: 'JOB_PARALLELISM_TOO_HIGH',
      message: expect.stringMatching(
        new RegExp(
          `needs 490000 channels .* at most ${MOST_CHANNELS}: .* at parallelism 700 sends to .* at parallelism 700`,
        ),
      ),
    }),
  );
  expect(() => checkChannels(aGraph(300, 5))).toThrow('needs 450000 channels');
});
