import { expect, test } from 'vitest';
import { FlinkRuntimeException } from '../../../src/lib/java-errors.ts';
import { serializeError } from '../../../src/stream/task/serialized-error.ts';

const own = new URL('../../../src/stream/operators/stateless.ts', import.meta.url).href;

function errorAt(...frames: string[]): Error {
  const error = new TypeError('x is not a function');
  error.stack = `TypeError: x is not a function\n${frames.map((frame) => `    at ${frame}`).join('\n')}`;
  return error;
}

test('the message says where in the job the error was thrown, not where in this package', () => {
  const error = errorAt(
    `MapOperator.processElement (${own}:24:10)`,
    'split (file:///jobs/words.ts:26:7)',
    'file:///jobs/other.ts:1:1',
  );
  expect(serializeError(error).message).toBe('x is not a function (at /jobs/words.ts:26:7)');
});

test('the innermost cause that has a place in the job names it', () => {
  const cause = errorAt('open (file:///jobs/words.ts:8:3)');
  expect(serializeError(new FlinkRuntimeException('Failed to restore state', { cause })).message).toContain('(at ');
});

test('inline source has lines too', () => {
  expect(serializeError(errorAt('job (data:text/javascript;base64,AAAA:3:5)')).message).toBe(
    'x is not a function (at the inline source:3:5)',
  );
});

test('an error without a frame of the job keeps its message', () => {
  expect(serializeError(errorAt(`step (${own}:1:1)`, 'node:internal/process:5:1')).message).toBe('x is not a function');
  expect(serializeError('just text').message).toBe('just text');
});
