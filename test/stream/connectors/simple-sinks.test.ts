import { expect, test } from 'vitest';
import { CollectSink } from '../../../src/stream/connectors/collect-sink.ts';
import { PrintSink, type PrintSinkOptions } from '../../../src/stream/connectors/print-sink.ts';
import type { RuntimeContext } from '../../../src/stream/functions/runtime-context.ts';

const printed = (parallelism: number, options: PrintSinkOptions<unknown>, ...values: unknown[]): string => {
  const lines: string[] = [];
  const sink = new PrintSink<unknown>({ write: (line) => void lines.push(line), ...options });
  sink.open({ indexOfThisSubtask: 1, numberOfParallelSubtasks: parallelism } as unknown as RuntimeContext);
  for (const value of values) sink.invoke(value);
  return lines.join('');
};

test('each record is printed as a line, strings as they are', () => {
  expect(printed(1, {}, 'text', { a: 1, b: 2n }, undefined)).toBe('text\n{"a":1,"b":"2n"}\nundefined\n');
});

test('lines say which subtask printed them, and which sink', () => {
  expect(printed(2, {}, 'x')).toBe('2> x\n');
  expect(printed(1, { prefix: 'late' }, 'x')).toBe('late> x\n');
  expect(printed(2, { prefix: 'late', format: () => 'y' }, 'x')).toBe('late:2> y\n');
});

test('sinks of one id collect into one list, others into theirs, until it is cleared', () => {
  const sinks = ['one', 'one', 'other'].map((id) => new CollectSink<string>(id));
  for (const sink of sinks) sink.open();
  sinks.forEach((sink, index) => void sink.invoke(`record-${index}`));
  expect(CollectSink.records('one')).toEqual(['record-0', 'record-1']);
  expect(CollectSink.records('other')).toEqual(['record-2']);
  CollectSink.clear('one');
  sinks[0]!.invoke('after');
  expect([CollectSink.records('one'), CollectSink.records('other'), CollectSink.records('none')]).toEqual([
    ['after'],
    ['record-2'],
    [],
  ]);
  CollectSink.clear();
  expect(CollectSink.records('other')).toEqual([]);
});
