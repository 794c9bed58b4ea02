/** What the child process runs: one program, one answer. */
import { systemClock } from '../../lib/clock.ts';
import { answerTo } from './answer.ts';
import type { ProgramAnswer, ProgramOrder } from './messages.ts';

const reply = (answer: ProgramAnswer): void => {
  process.send?.(answer, () => process.exit(0));
};
// Nobody waits any more.
process.on('disconnect', () => process.exit(0));
process.once('message', (order) => {
  answerTo(order as ProgramOrder, systemClock).then(reply, (error: unknown) => {
    reply({ is: 'notRun', why: String(error) });
  });
});
