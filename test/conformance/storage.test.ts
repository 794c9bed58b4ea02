import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/lib/clock.ts';
import { filesystemStorage, memoryStorage } from '../../src/storage/index.ts';
import { storageConformance } from './storage.ts';

storageConformance('memory', () => ({ storage: memoryStorage({ clock: systemClock }) }));

storageConformance('filesystem', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'storage-'));
  return {
    storage: filesystemStorage({ directory: join(directory, 'made', 'on', 'demand'), clock: systemClock }),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});
