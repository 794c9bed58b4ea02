import { expect, test } from 'vitest';
import { JuteReader, JuteWriter } from '../../src/zookeeper/jute.ts';

test('what is written is read back, and the frame begins with its length', () => {
  const long = 'ü'.repeat(1_000);
  const frame = new JuteWriter()
    .int(-3)
    .long(-5n)
    .bool(true)
    .string(long)
    .bytes(Buffer.from([1, 2]))
    .frame();
  expect(frame.readInt32BE(0)).toBe(frame.length - 4);
  const reader = new JuteReader(frame.subarray(4));
  expect([reader.int(), reader.long(), reader.bool(), reader.string()]).toEqual([-3, -5n, true, long]);
  expect([...reader.bytes()]).toEqual([1, 2]);
});

test('a missing buffer is an empty one', () => {
  expect(new JuteReader(new JuteWriter().int(-1).frame().subarray(4)).string()).toBe('');
});

test.each([
  ['a buffer that announces more than there is', new JuteWriter().int(1_000_000_000)],
  ['a list that announces more than there is', new JuteWriter().int(3).string('a')],
])('%s is refused, and no room is made for it', (_, writer) => {
  const reader = new JuteReader(writer.frame().subarray(4));
  expect(() => reader.strings()).toThrow(RangeError);
});
