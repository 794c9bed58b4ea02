import { expect, test } from 'vitest';
import {
  type Job,
  KeyedProcessFunction,
  ListStateDescriptor,
  type RuntimeContext,
  TumblingEventTimeWindows,
  Types,
  ValueStateDescriptor,
} from '../../../src/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { outlineOf, type StateOutline } from '../../../src/stream/checkpoint/state-outline.ts';
import { declaredStates } from '../../../src/stream/job/declared-states.ts';
import { buildJob } from '../../../src/stream/job/job-module.ts';
import { aManifest, anOperatorState, aState, INT, STRING } from '../checkpoint/builders.ts';

/** A function whose states are those that its making gives. */
class Counting extends KeyedProcessFunction<string, number, number> {
  readonly opened: (context: RuntimeContext) => void;
  constructor(opened: (context: RuntimeContext) => void) {
    super();
    this.opened = opened;
  }
  override open(context: RuntimeContext): void {
    this.opened(context);
  }
  override processElement(): void {}
}

const counting =
  (opened: (context: RuntimeContext) => void): Job =>
  (env) => {
    env
      .fromSequence(1, 9)
      .uid('numbers')
      .keyBy((n) => String(n), Types.STRING)
      .process(new Counting(opened))
      .uid('counts');
  };

/** The checkpoint of an operator "counts" with keyed states, one entry each. */
const stored = (...states: ReturnType<typeof aState>[]): StateOutline =>
  outlineOf(
    aManifest([
      anOperatorState('counts', {}, () => ({
        file: 0,
        keyed: {
          keyType: STRING,
          firstKeyGroup: 0,
          lastKeyGroup: 3,
          states: states.map((state) => ({ ...state, blocks: [0, 0, 1] })),
        },
      })),
    ]),
  );

async function check(job: Job, state: StateOutline) {
  const { graph } = await buildJob(job, { args: [], parallelism: 2, maxParallelism: 8 });
  return declaredStates({ graph, state, jobId: 'a'.repeat(32), jobName: 'flights', args: [], clock: systemClock });
}

const INT_VALUE = new ValueStateDescriptor<number>('count', Types.INT);
const FITS = { problems: [], unchecked: [] };

test('states that are asked for as they were stored fit', async () => {
  expect(
    await check(
      counting((context) => void context.getState(INT_VALUE)),
      stored(aState('count')),
    ),
  ).toEqual(FITS);
});

test('states that are new, or that nobody asks for any more, are no problem', async () => {
  const job = counting((context) => void context.getState(new ValueStateDescriptor<number>('other', Types.INT)));
  expect(await check(job, stored(aState('count')))).toEqual(FITS);
});

test('another kind of state under the same name is refused, and says which', async () => {
  const job = counting((context) => void context.getListState(new ListStateDescriptor<number>('count', Types.INT)));
  const { problems } = await check(job, stored(aState('count')));
  expect(problems).toEqual([expect.stringContaining('(uid counts): ')]);
  expect(problems[0]).toContain(
    'State "count" was stored in a way that its descriptor cannot read: kind: value and list',
  );
});

test('another type is refused where its values cannot be read', async () => {
  const opened = (context: RuntimeContext) => void context.getState(INT_VALUE);
  expect((await check(counting(opened), stored(aState('count', { type: STRING })))).problems[0]).toContain(
    'string became int32',
  );
  expect(await check(counting(opened), stored(aState('count', { type: { kind: 'int8' } })))).toEqual(FITS);
});

test('another type of key is refused', async () => {
  const state = stored(aState('count'));
  const [operator] = state.operators;
  const keyed = (operator?.keyed ?? []).map((each) => ({ ...each, keyType: INT }));
  const changed = { ...state, operators: state.operators.map((each) => ({ ...each, keyed })) };
  const { problems } = await check(
    counting(() => {}),
    changed,
  );
  expect(problems[0]).toContain('Could not restore keyed state backend for operator counts');
});

test('an operator that has keyed state and no key any more is refused', async () => {
  const job: Job = (env) => {
    env
      .fromSequence(1, 9)
      .map((n) => n)
      .uid('counts');
  };
  expect((await check(job, stored(aState('count')))).problems[0]).toContain('is not keyed any more');
});

test('what windows keep is compared, too', async () => {
  const job: Job = (env) => {
    env
      .fromSequence(1, 9)
      .keyBy((n) => String(n), Types.STRING)
      .window(TumblingEventTimeWindows.of(1_000))
      .reduce((a, b) => a + b)
      .uid('counts');
  };
  const { problems } = await check(job, stored(aState('window-contents', { kind: 'list', namespace: 'window' })));
  expect(problems[0]).toContain('kind: list and reducing');
});

test('a function that cannot be opened here is not held against the job', async () => {
  const job = counting(() => {
    throw new Error('connect ECONNREFUSED');
  });
  const { problems, unchecked } = await check(job, stored(aState('count')));
  expect(problems).toEqual([]);
  expect(unchecked).toEqual([
    'the states of operator "KeyedProcess" (uid counts): its function could not be opened here: connect ECONNREFUSED',
  ]);
});

test('operators without state in the checkpoint, sources and sinks are not opened', async () => {
  let opened = 0;
  const job: Job = (env) => {
    counting(() => opened++)(env);
    env
      .fromSequence(1, 3)
      .uid('more')
      .addSink({ invoke() {}, open: () => void opened++ } as never)
      .uid('out');
  };
  const state = outlineOf(aManifest([anOperatorState('numbers'), anOperatorState('out')]));
  expect(await check(job, state)).toEqual({
    problems: [],
    unchecked: [
      expect.stringContaining('(uid numbers): a source is not opened'),
      expect.stringContaining('(uid out): a sink is not opened'),
    ],
  });
  expect(opened).toBe(0);
});
