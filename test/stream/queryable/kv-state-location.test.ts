import { expect, test } from 'vitest';
import {
  IllegalArgumentException,
  IndexOutOfBoundsException,
  NullPointerException,
} from '../../../src/lib/java-errors.ts';
import { KvStateLocation } from '../../../src/stream/queryable/index.ts';
import { at, JOB, range } from './builders.ts';

const aLocation = (numKeyGroups: number) =>
  new KvStateLocation({ jobId: JOB, jobVertexId: 'v', numKeyGroups, registrationName: 'state' });

/** 123 key groups in 10 ranges: three of 13, seven of 12. */
const ranges = Array.from({ length: 10 }, (_, i) =>
  range(Math.ceil((i * 123) / 10), Math.ceil(((i + 1) * 123) / 10) - 1),
);

test('123 key groups come in 3 ranges of 13 and 7 of 12', () => {
  const sizes = ranges.map(({ startKeyGroup, endKeyGroup }) => endKeyGroup - startKeyGroup + 1).sort();
  expect(sizes).toEqual([12, 12, 12, 12, 12, 12, 12, 13, 13, 13]);
  expect(ranges.at(-1)?.endKeyGroup).toBe(122);
});

test('the count grows by the size of each range, and each group has the id and address of its range', () => {
  const location = aLocation(123);
  let expected = 0;
  ranges.forEach((span, i) => {
    location.registerKvState(span, `id-${i}`, at(1024 + i));
    expected += span.endKeyGroup - span.startKeyGroup + 1;
    expect(location.numRegisteredKeyGroups).toBe(expected);
  });
  ranges.forEach((span, i) => {
    for (let group = span.startKeyGroup; group <= span.endKeyGroup; group++) {
      expect(location.getKvStateId(group)).toBe(`id-${i}`);
      expect(location.getKvStateServerAddress(group)).toEqual(at(1024 + i));
    }
  });
});

test('registered again, the count stays and the new ids win', () => {
  const location = aLocation(123);
  for (const span of ranges) location.registerKvState(span, 'old', at(1));
  for (const span of ranges) location.registerKvState(span, 'new', at(2));
  expect(location.numRegisteredKeyGroups).toBe(123);
  expect(location.getKvStateId(7)).toBe('new');
  expect(location.getKvStateServerAddress(122)).toEqual(at(2));
});

test('unregistered, the count is 0 and each group is null', () => {
  const location = aLocation(123);
  for (const span of ranges) location.registerKvState(span, 'id', at(1));
  for (const span of ranges) location.unregisterKvState(span);
  expect(location.numRegisteredKeyGroups).toBe(0);
  for (let group = 0; group < 123; group++) {
    expect(location.getKvStateId(group)).toBeNull();
    expect(location.getKvStateServerAddress(group)).toBeNull();
  }
});

test('an overlapping range overwrites, and only its empty groups count', () => {
  const location = aLocation(10);
  location.registerKvState(range(0, 4), 'a', at(1));
  location.registerKvState(range(3, 6), 'b', at(2));
  expect(location.numRegisteredKeyGroups).toBe(7);
  expect([2, 3, 6].map((group) => location.getKvStateId(group))).toEqual(['a', 'b', 'b']);
});

test('a negative number of key groups is an IllegalArgumentException', () => {
  expect(() => aLocation(-1)).toThrow(IllegalArgumentException);
});

test('a missing job id, vertex id or name is a NullPointerException', () => {
  const whole = { jobId: JOB, jobVertexId: 'v', numKeyGroups: 1, registrationName: 'state' };
  for (const field of ['jobId', 'jobVertexId', 'registrationName'] as const) {
    expect(() => new KvStateLocation({ ...whole, [field]: null as unknown as string })).toThrow(NullPointerException);
  }
});

test.each([
  ['starts below 0', range(-1, 3)],
  ['ends at the number of key groups', range(8, 10)],
])('a range that %s is refused and nothing is changed', (_, span) => {
  const location = aLocation(10);
  location.registerKvState(range(0, 9), 'id', at(1));
  expect(() => location.registerKvState(span, 'other', at(2))).toThrow(
    new IndexOutOfBoundsException('Key group index'),
  );
  expect(() => location.unregisterKvState(span)).toThrow(new IndexOutOfBoundsException('Key group index'));
  expect(location.numRegisteredKeyGroups).toBe(10);
  expect(location.getKvStateId(8)).toBe('id');
});

test.each([-1, 10, Number.NaN])('asking for group %s of 10 is an IndexOutOfBoundsException', (group) => {
  expect(() => aLocation(10).getKvStateId(group)).toThrow(IndexOutOfBoundsException);
  expect(() => aLocation(10).getKvStateServerAddress(group)).toThrow(IndexOutOfBoundsException);
});

test('an unregistered group is an IllegalArgumentException, and the groups before it stay', () => {
  const location = aLocation(10);
  location.registerKvState(range(0, 1), 'id', at(1));
  expect(() => location.unregisterKvState(range(0, 2))).toThrow(
    new IllegalArgumentException('Not registered. Probably registration/unregistration race.'),
  );
  expect(location.numRegisteredKeyGroups).toBe(2);
});
