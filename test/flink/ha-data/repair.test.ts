import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfigMapShape } from '../../../src/flink/ha-data/config-map.ts';
import { inspectHaData } from '../../../src/flink/ha-data/inspection.ts';
import { LEADER_ANNOTATION } from '../../../src/flink/ha-data/names.ts';
import { pointersIn } from '../../../src/flink/ha-data/pointers.ts';
import { planRepair, type RepairWish } from '../../../src/flink/ha-data/repair.ts';
import type { FileFacts } from '../../../src/flink/ha-data/verification.ts';
import { MARKER_UIDS } from '../../../src/flink/wire/java-classes.ts';
import { decodeHandleText, encodeHandleText } from '../../../src/flink/wire/state-handle.ts';
import { pointerText } from '../../builders/stored-flink-cluster.ts';
import { captures } from '../captures.ts';

const [OLD, NEW] = MARKER_UIDS;
const JOB = '0123456789abcdef0123456789abcdef';
const CLUSTER_MAP = 'c-cluster-config-map';
const JOB_MAP = `c-${JOB}-config-map`;
const PLAN_KEY = `executionPlan-${JOB}`;
const NOW = Date.parse('2026-11-21T12:00:00.123Z');
/** As Flink 2.3 releases a lease. */
const RELEASED =
  '{"holderIdentity":"","leaseDuration":"PT1S","acquireTime":"2026-11-21T12:00:00.123000Z","renewTime":"2026-11-21T12:00:00.123000Z","leaderTransitions":0}';
const key = (id: number): string => `checkpointID-${String(id).padStart(19, '0')}`;
const uri = (id: number): string => `file:/ha/c/completedCheckpoint${id}`;

const shapes = (job: Record<string, string>, cluster: Record<string, string> = {}): ConfigMapShape[] => [
  { metadata: { name: CLUSTER_MAP, annotations: { [LEADER_ANNOTATION]: RELEASED } }, data: cluster },
  { metadata: { name: JOB_MAP }, data: job },
];

const WHOLE: FileFacts = { file: 'there', sizeBytes: 9, content: { content: 'plan' } };

/** The plan where each file is as stated, by id of the checkpoint; whole without a statement. */
function plan(given: ConfigMapShape[], wish: RepairWish = {}, files: Record<number, FileFacts> = {}) {
  const checked = pointersIn(given).map((pointer) => ({ pointer, facts: files[pointer.checkpointId ?? -1] ?? WHOLE }));
  return planRepair({ shapes: given, checked, now: NOW }, wish);
}

test('data that a restart can use is left alone', () => {
  const good = shapes({ [key(1)]: pointerText(uri(1), 9), counter: '2' }, { [PLAN_KEY]: pointerText('file:/p', 9) });
  expect(plan(good)).toEqual({ steps: [], refused: [] });
});

test('a marked entry whose file is gone is removed; one whose file is there is not, nor a live one', () => {
  const data = {
    [key(1)]: pointerText(uri(1), 9, { deleting: true }),
    [key(2)]: pointerText(uri(2), 9, { deleting: true }),
    [key(3)]: pointerText(uri(3), 9),
    counter: '4',
  };
  expect(plan(shapes(data), {}, { 1: { file: 'missing' }, 3: { file: 'missing' } })).toEqual({
    steps: [
      {
        action: 'remove',
        configMap: JOB_MAP,
        key: key(1),
        why: `it is being deleted and its file ${uri(1)} is gone: only the entry is left`,
        before: data[key(1)],
        after: undefined,
      },
    ],
    refused: [],
  });
});

test('a live entry without a file is removed when it is named, and only it', () => {
  const data = { [key(1)]: pointerText(uri(1), 9), [key(2)]: pointerText(uri(2), 9), counter: '3' };
  const missing: FileFacts = { file: 'missing' };
  const { steps, refused } = plan(shapes(data), { dropKey: key(2) }, { 1: missing, 2: missing });
  expect(refused).toEqual([]);
  expect(steps).toMatchObject([{ action: 'remove', key: key(2), before: data[key(2)], after: undefined }]);
  expect(steps[0]?.why).toMatch(/does not exist: .*; the newest of the others is checkpoint 1$/);
});

test('a value that cannot be read is dropped when it is named, and what the job then starts from is said', () => {
  const { steps } = plan(shapes({ [key(7)]: '???', counter: '8' }), { dropKey: `${JOB_MAP}/${key(7)}` });
  expect(steps).toMatchObject([{ action: 'remove', key: key(7), before: '???' }]);
  expect(steps[0]?.why).toMatch(
    /not base64; no other checkpoint is left: the job starts from its savepoint, or empty$/,
  );
});

test('a checkpoint whose file could not be looked at can be dropped: Flink may know better', () => {
  const data = { [key(1)]: pointerText('s3://b/x', 9), counter: '2' };
  const { steps } = plan(shapes(data), { dropKey: key(1) }, { 1: { file: 'unchecked', reason: 'no driver' } });
  expect(steps).toMatchObject([{ action: 'remove', key: key(1), why: expect.stringContaining('no driver') }]);
});

test('a stored job is dropped when it is named, however whole: another release may not read it', () => {
  const given = shapes({ counter: '1' }, { [PLAN_KEY]: pointerText('file:/p', 9) });
  const why =
    'it was named, and holds no state; without it a session cluster forgets the job, an application submits it again';
  expect(plan(given, { dropKey: PLAN_KEY })).toMatchObject({
    steps: [{ action: 'remove', configMap: CLUSTER_MAP, key: PLAN_KEY, why }],
    refused: [],
  });
});

test.each<[string, Record<string, string>, string, RegExp]>([
  ['a key that is not there', {}, 'checkpointID-5', /^there is no such key$/],
  ['a whole checkpoint', { [key(1)]: pointerText(uri(1), 9), counter: '2' }, key(1), /a restart uses it$/],
  [
    'an entry that is being deleted',
    { [key(1)]: pointerText(uri(1), 9, { deleting: true }), counter: '2' },
    key(1),
    /it is being deleted/,
  ],
  ['the counter', { counter: 'x' }, 'counter', /^only keys of checkpoints and of stored jobs are dropped$/],
  ['a key of somebody else', { mine: 'x' }, 'mine', /^only keys of checkpoints/],
])('%s is not dropped', (_, data, dropKey, why) => {
  expect(plan(shapes(data), { dropKey })).toEqual({
    steps: [],
    refused: [{ what: `drop ${dropKey}`, why: expect.stringMatching(why) }],
  });
});

test('a key that two jobs have must be named with its ConfigMap', () => {
  const other = `c-${'f'.repeat(32)}-config-map`;
  const data = { [key(1)]: 'x', counter: '2' };
  const both = [...shapes(data), { metadata: { name: other }, data }];
  expect(plan(both, { dropKey: key(1) }).refused).toEqual([
    { what: `drop ${key(1)}`, why: `several have it: ${JOB_MAP}/${key(1)}, ${other}/${key(1)}` },
  ]);
  expect(plan(both, { dropKey: `${other}/${key(1)}` }).steps).toMatchObject([{ configMap: other, key: key(1) }]);
});

test('handles are rewritten for another line of Flink, marks kept, those of the line left alone', () => {
  const old = { uid: OLD };
  const given = shapes(
    {
      [key(1)]: pointerText(uri(1), 9, { ...old, deleting: true }),
      [key(2)]: pointerText(uri(2), 9, old),
      [key(3)]: pointerText(uri(3), 9, { uid: NEW }),
      counter: '4',
    },
    { [PLAN_KEY]: pointerText('file:/p', 9, old) },
  );
  const { steps, refused } = plan(given, { toUid: NEW });
  expect(refused).toEqual([]);
  expect(steps.map(({ action, configMap, key: name, after }) => [action, configMap, name, after])).toEqual([
    ['rewrite', CLUSTER_MAP, PLAN_KEY, pointerText('file:/p', 9, { uid: NEW })],
    ['rewrite', JOB_MAP, key(1), pointerText(uri(1), 9, { uid: NEW, deleting: true })],
    ['rewrite', JOB_MAP, key(2), pointerText(uri(2), 9, { uid: NEW })],
  ]);
  expect(steps[0]?.why).toBe(`serial version ${OLD} becomes ${NEW}`);
});

test('what is removed is not rewritten', () => {
  const given = shapes({ [key(1)]: pointerText(uri(1), 9, { uid: OLD, deleting: true }), counter: '2' });
  const { steps } = plan(given, { toUid: NEW }, { 1: { file: 'missing' } });
  expect(steps).toMatchObject([{ action: 'remove', key: key(1) }]);
});

test('handles without a delete marker are not rewritten, and it is said why', () => {
  const raw = encodeHandleText({ stream: { in: 'file', uri: uri(1), sizeBytes: 9n } });
  const annotations = { [LEADER_ANNOTATION]: RELEASED };
  const metadata = { name: `c-${JOB}-jobmanager-leader`, annotations };
  const given = [{ metadata, data: { [key(1)]: raw, counter: '2' } }];
  expect(plan(given, { toUid: NEW })).toEqual({
    steps: [],
    refused: [{ what: `rewrite c-${JOB}-jobmanager-leader/${key(1)}`, why: expect.stringContaining('1.12 to 1.14') }],
  });
});

test.each([
  ['is missing', undefined, 'there is none, and checkpoint 7 exists'],
  ['is behind', '7', 'it is 7, and checkpoint 7 exists'],
  ['cannot be read', 'seven', 'it cannot be read, and checkpoint 7 exists'],
])('a counter that %s is set to the id after the newest', (_, counter, why) => {
  const given = shapes({ [key(7)]: pointerText(uri(7), 9), ...(counter === undefined ? {} : { counter }) });
  expect(plan(given).steps).toEqual([
    { action: 'setCounter', configMap: JOB_MAP, key: 'counter', why, before: counter, after: '8' },
  ]);
});

test.each([
  ['cannot be read', { annotations: { [LEADER_ANNOTATION]: 'x' } }, 'x', 'the record of the leader cannot be read'],
  ['is missing', {}, undefined, 'there is no record of a leader'],
])('a lease record that %s is written as one that was released', (_, metadata, before, is) => {
  const given = shapes({ counter: '1' }, { [PLAN_KEY]: pointerText('file:/p', 9) }).with(0, {
    metadata: { name: CLUSTER_MAP, ...metadata },
    data: { [PLAN_KEY]: pointerText('file:/p', 9) },
  });
  expect(plan(given)).toEqual({
    steps: [
      {
        action: 'releaseLease',
        configMap: CLUSTER_MAP,
        key: LEADER_ANNOTATION,
        why: `${is}, so nobody can lead; a released one lets anybody`,
        before,
        after: RELEASED,
      },
    ],
    refused: [],
  });
});

test('the record of a released lease is written in the form of the release', () => {
  const old = shapes({ [key(1)]: pointerText(uri(1), 9, { uid: OLD }), counter: '2' });
  const { steps } = plan(old.with(0, { metadata: { name: CLUSTER_MAP } }));
  expect(steps[0]?.after).toBe(RELEASED.replace('"PT1S"', '1.000000000'));
});

test('the id of a checkpoint whose value cannot be read is not given again either: its directory may be there', () => {
  const given = shapes({ [key(6)]: pointerText(uri(6), 9), [key(7)]: 'rubbish', counter: '7' });
  expect(plan(given).steps).toMatchObject([{ action: 'setCounter', before: '7', after: '8' }]);
  const findings = inspectHaData(given).flatMap((each) => each.findings.map(({ code }) => code));
  expect(findings).toContain('CounterBehind');
});

test('the id of a checkpoint that is dropped is not given again', () => {
  const given = shapes({ [key(7)]: pointerText(uri(7), 9), counter: '3' });
  const { steps } = plan(given, { dropKey: key(7) }, { 7: { file: 'missing' } });
  expect(steps).toMatchObject([{ action: 'remove' }, { action: 'setCounter', after: '8' }]);
});

test.each(captures.map((each) => [each.name, each] as const))(
  'what real Flink wrote (%s) needs no repair, and is the same after it was rewritten there and back',
  (_, { configMaps }) => {
    const items = configMaps.items as ConfigMapShape[];
    expect(plan(items)).toEqual({ steps: [], refused: [] });
    const handles = pointersIn(items);
    const uid = handles.map(({ text, key: name }) => decodeHandleText(text, name).marker?.serialVersionUid)[0];
    const [there, back] = uid === OLD ? [NEW, OLD] : [OLD, NEW];
    const rewritten = applied(items, plan(items, { toUid: there }).steps);
    expect(pointersIn(rewritten).map(({ text }) => text)).not.toContain(handles[0]?.text ?? 'none');
    expect(applied(rewritten, plan(rewritten, { toUid: back }).steps)).toEqual(items);
  },
);

const anyValue = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constant('5'),
  fc.record({ deleting: fc.boolean(), uid: fc.constantFrom(OLD, NEW) }).map((marker) => pointerText(uri(1), 9, marker)),
);
const anyData = fc.dictionary(fc.constantFrom(key(1), key(2), key(9), 'counter', PLAN_KEY, 'other'), anyValue);
const anyWish = fc.record(
  { toUid: fc.constantFrom(OLD, NEW), dropKey: fc.constantFrom(key(1), key(2), PLAN_KEY, 'counter') },
  { requiredKeys: [] },
);
const anyFile = fc.constantFrom<FileFacts>(WHOLE, { file: 'missing' }, { file: 'unchecked', reason: 'r' });

test('whatever stands there: a plan names only keys that are there, no live checkpoint goes unnamed, and a second plan finds nothing', () => {
  fc.assert(
    fc.property(anyData, anyData, anyWish, anyFile, (job, cluster, wish, file) => {
      const given = shapes(job, cluster);
      const files = { 1: file, 2: file, 9: file };
      const { steps } = plan(given, wish, files);
      for (const { action, configMap, key: name, before } of steps) {
        const data = given.find(({ metadata }) => metadata.name === configMap)?.data ?? {};
        expect(before).toBe(data[name]);
        const pointer = pointersIn(given).find((each) => each.configMap === configMap && each.key === name);
        if (action === 'remove') expect(pointer?.deleting !== false || name === wish.dropKey).toBe(true);
      }
      const { toUid } = wish;
      const again = plan(applied(given, steps), toUid === undefined ? {} : { toUid }, files);
      expect(again.steps).toEqual([]);
    }),
    { seed: 20_261_121, numRuns: 500 },
  );
});

function applied(given: ConfigMapShape[], steps: ReturnType<typeof plan>['steps']): ConfigMapShape[] {
  return given.map((shape) => {
    const data = { ...shape.data };
    for (const step of steps) {
      if (step.configMap !== shape.metadata.name) continue;
      if (step.after === undefined) delete data[step.key];
      else data[step.key] = step.after;
    }
    return { ...shape, ...(shape.data === undefined ? {} : { data }) };
  });
}
