import { expect, test } from 'vitest';
import type { CliIo } from '../../../src/cli/command.ts';
import { RunDisplay } from '../../../src/cli/run/run-display.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { JobEvent } from '../../../src/stream/index.ts';

function aDisplay() {
  const lines: string[] = [];
  const io = { isTty: false, stderr: { write: (text: string) => void lines.push(text) } } as unknown as CliIo;
  const display = new RunDisplay({ name: 'words', title: 'team/words' }, io, systemClock);
  return { display, lines, tell: (event: JobEvent) => display.onMessage({ type: 'event', event }) };
}

test('a failed checkpoint is named once', () => {
  const { lines, tell } = aDisplay();
  tell({ event: 'checkpointFailed', checkpointId: 3, reason: 'Checkpoint was declined. (CHECKPOINT_DECLINED)' });
  tell({ event: 'checkpointFailed', reason: 'IO-problem detected. (IO_EXCEPTION)' });
  expect(lines).toEqual([
    'words: checkpoint 3 failed: Checkpoint was declined. (CHECKPOINT_DECLINED)\n',
    'words: a checkpoint failed: IO-problem detected. (IO_EXCEPTION)\n',
  ]);
});

test('the last line names what was counted, and late records above all', () => {
  const { display, lines, tell } = aDisplay();
  tell({ event: 'progress', vertices: [], counters: { invalid: 2, numLateRecordsDropped: 1_000 } });
  display.onSupervisorEvent({ event: 'finished' });
  expect(lines).toEqual([
    'words: finished after 0 restarts; 1,000 late records dropped (numLateRecordsDropped), invalid 2\n',
  ]);
});

test('after a restart the counts of the attempt before are gone, and the last line says since when it counts', () => {
  const { display, lines, tell } = aDisplay();
  tell({ event: 'progress', vertices: [], counters: { invalid: 2, parsed: 9 } });
  display.onSupervisorEvent({ event: 'attemptFailed', attempt: 1, how: 'failed', cause: 'x', restartInMs: 1 });
  display.onSupervisorEvent({ event: 'processStarted', attempt: 2, pid: 1 });
  tell({ event: 'progress', vertices: [], counters: { parsed: 4 } });
  display.onSupervisorEvent({ event: 'finished' });
  expect(lines.at(-1)).toBe('words: finished after 1 restart; since the last restart: parsed 4\n');
});

test('a job stopped with a savepoint says how to go on', () => {
  const { display, lines } = aDisplay();
  display.onSupervisorEvent({ event: 'stoppedWithSavepoint', savepoint: 'file:///s/1' });
  expect(lines).toEqual(['words: stopped with savepoint file:///s/1; flinkjob resume team/words goes on from it\n']);
});
