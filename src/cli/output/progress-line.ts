/** What long work is at, on stderr: one line that is written over on a terminal, a line for each change elsewhere. */
import type { CliIo } from '../command.ts';
import { printable } from '../inspect/printable.ts';

/** Says what is going on. */
export interface ProgressLine {
  /** The same text again says nothing. */
  say(text: string): void;
  /** Leaves a clean line for what comes next. */
  end(): void;
}

/** For work about one subject, e.g. `team-a/flights`. */
export function progressLine(subject: string, { stderr, isTty }: Pick<CliIo, 'stderr' | 'isTty'>): ProgressLine {
  let last = '';
  return {
    say(text) {
      if (text === last) return;
      last = text;
      const safe = printable(text);
      stderr.write(isTty ? `\r\u001b[K${subject}: ${safe}` : `${subject}: ${safe}\n`);
    },
    end() {
      if (isTty && last !== '') stderr.write('\r\u001b[K');
      last = '';
    },
  };
}
