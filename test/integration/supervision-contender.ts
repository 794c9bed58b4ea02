/**
 * A process that takes jobs for itself when it is told to: `{ place, atMs }` by message, at that instant, so that several
 * try at once. Answers `taken` or `refused`, and keeps what it took.
 */
import { lockSupervision } from '../../src/cli/run/supervision-lock.ts';

interface Order {
  readonly directory: string;
  readonly atMs: number;
}

process.on('message', ({ directory, atMs }: Order) => {
  // Spinning, not waiting: a timer would spread the contenders over a millisecond and more.
  while (Date.now() < atMs);
  take(directory).then((answer) => process.send?.(answer));
});
process.send?.('ready');

async function take(directory: string): Promise<string> {
  try {
    await lockSupervision({ directory, name: 'job', namespace: 'default' });
    return 'taken';
  } catch (error) {
    return (error as { code?: string }).code === 'JOB_ALREADY_SUPERVISED' ? 'refused' : String(error);
  }
}
