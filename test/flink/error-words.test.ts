import { expect, test } from 'vitest';
import { inWords } from '../../src/flink/error-words.ts';

test.each([
  ['RangeError: disk full', undefined, 'disk full'],
  ['org.apache.flink.util.FlinkException: no\n\tat org.apache.flink.A.b(A.java:1)\n\t... 3 more', undefined, 'no'],
  [
    'java.util.concurrent.CompletionException: java.io.IOException: disk full.\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: disk full\n\t... 1 more',
    undefined,
    'disk full',
  ],
  ['JobExecutionError: not there.\nCaused by: Error: ENOENT', 'NOT_THERE', 'not there: ENOENT (NOT_THERE)'],
  ['CheckpointException: it failed. (TOO_LATE)', 'FAILED', 'it failed. (TOO_LATE)'],
  ['java.lang.NullPointerException', undefined, 'java.lang.NullPointerException'],
  ['Error: two\nlines', undefined, 'two\nlines'],
])('%j with code %s: %s', (trace, code, words) => {
  const throwable = { class: 'E', 'stack-trace': trace, 'serialized-throwable': null };
  expect(inWords({ ...throwable, ...(code === undefined ? {} : { code }) })).toBe(words);
});
