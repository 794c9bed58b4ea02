import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { stopSignal } from '../../../src/cli/run/stop-signal.ts';
import { ManualClock } from '../../builders/source-run.ts';

function aListener() {
  const clock = new ManualClock();
  const exits: number[] = [];
  const source = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  const stop = stopSignal(source as never, clock);
  const send = (name: 'SIGINT' | 'SIGTERM', afterMs = 0) => {
    clock.advance(afterMs);
    source.emit(name, name);
    return [stop.signal.aborted, stop.kill.aborted, exits.length];
  };
  return { send, source, stop };
}

test('the first signal asks to end, the second to end now, the third ends this process', () => {
  const { send } = aListener();
  expect(send('SIGINT')).toEqual([true, false, 0]);
  expect(send('SIGINT', 500)).toEqual([true, true, 0]);
  expect(send('SIGINT')).toEqual([true, true, 1]);
});

test('the same signal again at once is the echo of a wrapper, another one is not', () => {
  const { send } = aListener();
  expect(send('SIGTERM')).toEqual([true, false, 0]);
  expect(send('SIGTERM', 499)).toEqual([true, false, 0]);
  expect(send('SIGINT')).toEqual([true, true, 0]);
});

test('nobody listens after it was disposed of', () => {
  const { source, stop } = aListener();
  stop.dispose();
  expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
});
