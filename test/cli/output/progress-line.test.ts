import { expect, test } from 'vitest';
import { progressLine } from '../../../src/cli/output/progress-line.ts';

function said(isTty: boolean): { written: string[]; line: ReturnType<typeof progressLine> } {
  const written: string[] = [];
  const stderr = { write: (text: string) => written.push(text) };
  return { written, line: progressLine('team-a/flights', { stderr, isTty }) };
}

test('elsewhere than on a terminal each change is a line, and the same again is none', () => {
  const { written, line } = said(false);
  for (const text of ['asked for', 'asked for', 'being taken']) line.say(text);
  line.end();
  expect(written).toEqual(['team-a/flights: asked for\n', 'team-a/flights: being taken\n']);
});

test('on a terminal one line is written over, and gone at the end', () => {
  const { written, line } = said(true);
  line.say('asked for');
  line.say('being taken');
  line.end();
  expect(written).toEqual([
    '\r\u001b[Kteam-a/flights: asked for',
    '\r\u001b[Kteam-a/flights: being taken',
    '\r\u001b[K',
  ]);
});

test('what strangers wrote is shown, not obeyed', () => {
  const { written, line } = said(false);
  line.say('failed: \u001b[2J');
  expect(written.join('')).not.toContain('\u001b');
});

test('where nothing was said nothing is wiped', () => {
  const { written, line } = said(true);
  line.end();
  expect(written).toEqual([]);
});
