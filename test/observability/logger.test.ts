import { expect, test } from 'vitest';
import { jsonLogger, type LogLevel } from '../../src/observability/index.ts';

function aLog(level?: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const to = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, log: jsonLogger({ to, ...(level === undefined ? {} : { level }) }) };
}

test('a line is one object with time, level, sentence and facts', () => {
  const { lines, log } = aLog();
  log.with({ job: 'flights', attempt: 3 }).with({ epoch: 5 }).warn('a checkpoint failed', { checkpointId: 7 });
  expect(lines).toEqual([
    {
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      level: 'warn',
      message: 'a checkpoint failed',
      job: 'flights',
      attempt: 3,
      epoch: 5,
      checkpointId: 7,
    },
  ]);
});

test('lines below the level are not written', () => {
  const { lines, log } = aLog('warn');
  log.debug('1');
  log.info('2');
  log.error('3');
  expect(lines.map(({ message }) => message)).toEqual(['3']);
});

test('a secret is not written, wherever it lies among the facts', () => {
  const { lines, log } = aLog();
  log.info('asked', { token: 'hunter2', request: { headers: { authorization: 'Bearer hunter2' }, verb: 'get' } });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[0]).toMatchObject({ request: { verb: 'get' } });
});

test('an error says what it is and where it came from', () => {
  const { lines, log } = aLog();
  log.error('it failed', { error: Object.assign(new TypeError('no such key'), { code: 'GONE' }) });
  expect(lines[0]).toMatchObject({ error: { type: 'TypeError', message: 'no such key', code: 'GONE' } });
});
