import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  assignToKeyGroup,
  checkKeyGroupIn,
  checkParallelism,
  defaultMaxParallelism,
  effectiveMaxParallelism,
  KeyGroupRange,
  keyGroupOf,
  keyGroupRange,
  keyGroupRanges,
  murmurHash32,
  operatorIndexForKeyGroup,
} from '../../src/stream/key-groups.ts';
import { intHash, stringHash } from '../../src/stream/types/key-hash.ts';
import { seededRandom } from '../restart/failing-job.ts';
import { hashOfText, type KeyAsText } from './java-keys.ts';

interface KeyVector {
  keyType: string;
  key: KeyAsText;
  keyHash: number;
  murmur: number;
  maxParallelism: number;
  parallelism: number;
  keyGroup: number;
  operatorIndex: number;
}

const fixture = JSON.parse(readFileSync('test/fixtures/flink/keygroup-vectors.json', 'utf8')) as {
  murmurHash: { code: number; murmurHash: number }[];
  defaultMaxParallelism: { parallelism: number; defaultMaxParallelism: number }[];
  ranges: { maxParallelism: number; parallelism: number; ranges: [number, number][] }[];
  vectors: KeyVector[];
};

test('the fixture holds 27 murmur hashes, 24 defaults, 18 range tables and 441 keys', () => {
  const { murmurHash, defaultMaxParallelism: defaults, ranges, vectors } = fixture;
  expect([murmurHash.length, defaults.length, ranges.length, vectors.length]).toEqual([27, 24, 18, 441]);
});

test.each(fixture.murmurHash)("Flink's murmur hash of $code is $murmurHash", ({ code, murmurHash }) => {
  expect(murmurHash32(code)).toBe(murmurHash);
});

test('the one int whose hash has no positive counterpart folds to 0, as does the one that hashes to 0', () => {
  expect([murmurHash32(-2_089_875_627), murmurHash32(-1_035_494_534)]).toEqual([0, 0]);
});

test.each(fixture.defaultMaxParallelism)(
  'the default for parallelism $parallelism is $defaultMaxParallelism key groups',
  ({ parallelism, defaultMaxParallelism: expected }) => {
    expect(defaultMaxParallelism(parallelism)).toBe(expected);
  },
);

test.each(fixture.ranges)(
  'the ranges of $maxParallelism key groups over $parallelism subtasks are those of Flink',
  ({ maxParallelism, parallelism, ranges }) => {
    expect(keyGroupRanges(parallelism, maxParallelism).map(({ start, end }) => [start, end])).toEqual(ranges);
  },
);

test.each(fixture.vectors)(
  '$keyType $key, $maxParallelism key groups, parallelism $parallelism: group $keyGroup, subtask $operatorIndex',
  ({ keyType, key, keyHash, murmur, maxParallelism, parallelism, keyGroup, operatorIndex }) => {
    const hash = hashOfText(keyType, key);
    const group = keyGroupOf(hash, maxParallelism);
    expect({
      keyHash: hash,
      murmur: murmurHash32(hash),
      keyGroup: group,
      operatorIndex: operatorIndexForKeyGroup(group, parallelism, maxParallelism),
    }).toEqual({ keyHash, murmur, keyGroup, operatorIndex });
  },
);

/** Key groups that lie in another range than that of the subtask they are routed to. */
function strayKeyGroups(parallelism: number, maxParallelism: number): number[] {
  const ranges = keyGroupRanges(parallelism, maxParallelism);
  return Array.from({ length: maxParallelism }, (_, keyGroup) => keyGroup).filter(
    (keyGroup) => !ranges[operatorIndexForKeyGroup(keyGroup, parallelism, maxParallelism)]!.contains(keyGroup),
  );
}

test.each([
  [1, 1],
  [13, 1],
  [13, 2],
  [32_767, 1],
  [32_767, 13],
  [32_767, 32_767],
  [32_768, 32_768],
])('max %i, parallelism %i: range and subtask are inverse', (maxParallelism, parallelism) => {
  expect(strayKeyGroups(parallelism, maxParallelism)).toEqual([]);
});

test('range and subtask are inverse for 1 000 random pairs, and the ranges cover all groups without overlap', () => {
  const random = seededRandom(1234);
  for (let pair = 0; pair < 1_000; pair++) {
    const maxParallelism = 1 + Math.floor(random() * 32_768);
    const parallelism = 1 + Math.floor(random() * maxParallelism);
    let next = 0;
    let wrong = 0;
    for (const [subtask, { start, end }] of keyGroupRanges(parallelism, maxParallelism).entries()) {
      if (start !== next) wrong++;
      if (operatorIndexForKeyGroup(start, parallelism, maxParallelism) !== subtask) wrong++;
      if (operatorIndexForKeyGroup(end, parallelism, maxParallelism) !== subtask) wrong++;
      next = end + 1;
    }
    expect({ maxParallelism, parallelism, wrong, next }).toEqual({
      maxParallelism,
      parallelism,
      wrong: 0,
      next: maxParallelism,
    });
  }
});

test('of 10 key groups the strings 8, 5, 25, 13, 4, 7, 1, 6, 9, 3 fall into groups 0 to 9', () => {
  const groups = ['8', '5', '25', '13', '4', '7', '1', '6', '9', '3'].map((key) => keyGroupOf(stringHash(key), 10));
  expect(groups).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('of 10 key groups the integers 7, 10, 45, 90 have known groups and subtasks', () => {
  const groups = [7, 10, 45, 90].map((key) => keyGroupOf(intHash(key), 10));
  expect(groups).toEqual([1, 9, 6, 2]);
  expect(groups.map((group) => operatorIndexForKeyGroup(group, 2, 10))).toEqual([0, 1, 1, 0]);
  expect(groups.map((group) => operatorIndexForKeyGroup(group, 3, 10))).toEqual([0, 2, 1, 0]);
});

test('integer 1 of 128 key groups over 4 subtasks is in group 86 of subtask 2', () => {
  expect(keyGroupOf(1, 128)).toBe(86);
  expect(operatorIndexForKeyGroup(86, 4, 128)).toBe(2);
});

test('parallelism 4 with a configured maximum of 7 stays at 7', () => {
  expect(effectiveMaxParallelism({ parallelism: 4, job: 7 })).toEqual({ maxParallelism: 7, configured: true });
});

test("the operator's maximum wins over the job's, and without either it is the default", () => {
  const both = effectiveMaxParallelism({ parallelism: 4, operator: 32, job: 64 });
  expect(both).toEqual({ maxParallelism: 32, configured: true });
  expect(effectiveMaxParallelism({ parallelism: 172 })).toEqual({ maxParallelism: 512, configured: false });
});

test('128 key groups over 100 subtasks: 28 have two, 72 have one', () => {
  const counts = keyGroupRanges(100, 128).map(({ count }) => count);
  expect([counts.filter((count) => count === 2).length, counts.filter((count) => count === 1).length]).toEqual([
    28, 72,
  ]);
});

test.each([null, undefined])('the key %s is refused', (key) => {
  expect(() => assignToKeyGroup(key, intHash, 128)).toThrow(
    expect.objectContaining({ name: 'NullPointerException', message: 'Assigned key must not be null!' }),
  );
});

test('a key is assigned by its own hash', () => {
  expect(assignToKeyGroup('25', stringHash, 10)).toBe(2);
});

test.each([0, -1, 32_769, 1.5, Number.NaN])('parallelism %d is out of bounds', (parallelism) => {
  expect(() => checkParallelism(parallelism, 32_768)).toThrow(
    expect.objectContaining({
      name: 'IllegalArgumentException',
      message: `Operator parallelism not within bounds: ${parallelism}`,
    }),
  );
});

test('a maximum below the parallelism is refused', () => {
  expect(() => keyGroupRange(0, 5, 4)).toThrow('Maximum parallelism must not be smaller than parallelism.');
});

test('a maximum above 32768 is refused', () => {
  expect(() => keyGroupRange(0, 5, 32_769)).toThrow('Maximum parallelism not within bounds: 32769');
});

test.each([-1, 4, 0.5])('subtask %d does not exist at parallelism 4', (subtask) => {
  expect(() => keyGroupRange(subtask, 4, 128)).toThrow(`Subtask ${subtask} does not exist`);
});

test('a key group outside the local range names the likely cause', () => {
  expect(() => checkKeyGroupIn(43, keyGroupRange(0, 3, 128))).toThrow(
    "Key group 43 is not in KeyGroupRange{startKeyGroup=0, endKeyGroup=42}. Unless you're directly using low level " +
      'state access APIs, this is most likely caused by non-deterministic shuffle key (hashCode and equals implementation).',
  );
  expect(() => checkKeyGroupIn(42, keyGroupRange(0, 3, 128))).not.toThrow();
});

test('the empty range is [0, -1] and contains nothing', () => {
  const { EMPTY } = KeyGroupRange;
  expect({ start: EMPTY.start, end: EMPTY.end, count: EMPTY.count, isEmpty: EMPTY.isEmpty }).toEqual({
    start: 0,
    end: -1,
    count: 0,
    isEmpty: true,
  });
  expect([...EMPTY]).toEqual([]);
  expect(EMPTY.contains(0)).toBe(false);
});

test('a range whose start lies behind its end is the empty range', () => {
  expect(KeyGroupRange.of(5, 4)).toBe(KeyGroupRange.EMPTY);
});

test('a range below 0 is refused', () => {
  expect(() => KeyGroupRange.of(-1, 4)).toThrow(expect.objectContaining({ name: 'IllegalArgumentException' }));
});

test('the intersection of ranges has both ends in both', () => {
  expect(KeyGroupRange.of(2, 9).intersect(KeyGroupRange.of(5, 20)).equals(KeyGroupRange.of(5, 9))).toBe(true);
  expect(KeyGroupRange.of(2, 9).intersect(KeyGroupRange.of(9, 9)).equals(KeyGroupRange.of(9, 9))).toBe(true);
});

test('the intersection of ranges that share nothing is the empty range', () => {
  expect(KeyGroupRange.of(2, 9).intersect(KeyGroupRange.of(10, 12))).toBe(KeyGroupRange.EMPTY);
  expect(KeyGroupRange.of(2, 9).intersect(KeyGroupRange.EMPTY)).toBe(KeyGroupRange.EMPTY);
});

test('a range lists its key groups and finds the n-th, but none at its count', () => {
  const range = KeyGroupRange.of(7, 9);
  expect([...range]).toEqual([7, 8, 9]);
  expect([0, 1, 2].map((n) => range.at(n))).toEqual([7, 8, 9]);
  for (const n of [3, -1, 0.5]) {
    expect(() => range.at(n)).toThrow(expect.objectContaining({ name: 'IndexOutOfBoundsException' }));
  }
});
