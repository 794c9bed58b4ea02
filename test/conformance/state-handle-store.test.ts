import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedHandleBackend, MemoryHa } from '../../src/ha/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../builders/new-id.ts';
import { stateHandleStoreConformance, wrappedFixture } from './state-handle-store/index.ts';

stateHandleStoreConformance('embedded', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ha-'));
  const client = () =>
    new EmbeddedHandleBackend({
      directory: join(directory, 'job-ha'),
      clock: systemClock,
      newId,
    });
  return wrappedFixture(client(), client(), () => rm(directory, { recursive: true, force: true }));
});

stateHandleStoreConformance('memory', () => {
  const { handles } = new MemoryHa();
  return wrappedFixture(handles, handles);
});
