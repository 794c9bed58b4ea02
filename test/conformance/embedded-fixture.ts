import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VersionedFile } from '../../src/ha/embedded/versioned-file.ts';
import { embeddedBackend, type LeaseRecord, type LeaseTimes } from '../../src/ha/index.ts';
import { newId } from '../builders/new-id.ts';
import type { ElectionFixture } from './election/index.ts';

/** A job of the embedded backend, in a directory of its own. */
export async function embeddedFixture(times: LeaseTimes): Promise<ElectionFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'election-'));
  const lease = new VersionedFile<LeaseRecord>({
    directory: join(directory, 'job-leader'),
    parse: (json) => json as LeaseRecord,
    newId,
    durable: false,
  });
  /** Writes the lease over whatever its holder writes at the same time. */
  const overwrite = async (record: Partial<LeaseRecord>): Promise<void> => {
    for (;;) {
      const now = await lease.read();
      const elsewhere = { pid: 1, startedAt: '', host: 'another machine' };
      const before = now?.value ?? { process: elsewhere, durationMs: 0, transitions: 0, renewals: 0, holder: '' };
      if ((await lease.compareAndSet(now, { ...before, ...record })).answer === 'done') return;
    }
  };
  return {
    open: (clock) => embeddedBackend({ directory, jobId: 'job', clock, lease: times, newId }),
    abandonLease: (holder) =>
      overwrite({
        holder,
        process: { pid: 1, startedAt: '', host: 'another machine' },
        durationMs: times.durationMs,
      }),
    emptyLease: () => overwrite({ holder: '' }),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
}
