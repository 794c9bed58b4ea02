import { systemClock } from '../../../src/lib/clock.ts';
import { filesystemStorage } from '../../../src/storage/index.ts';

/** A process that writes one file and is killed, by itself, at the point it is told. */
const [directory = '', path = '', content = '', point = ''] = process.argv.slice(2);
const storage = filesystemStorage({
  directory,
  clock: systemClock,
  faults: (reached) => {
    if (reached === point) process.kill(process.pid, 'SIGKILL');
  },
});
await storage.write(path, new TextEncoder().encode(content), { exclusive: true });
