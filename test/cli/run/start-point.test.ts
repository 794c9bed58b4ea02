import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { makeJobPlace, openJobHome } from '../../../src/cli/run/job-home.ts';
import { absolutePointer, checkStartPoint } from '../../../src/cli/run/start-point.ts';
import { openStorage } from '../../../src/storage/index.ts';
import { writeManifest } from '../../../src/stream/checkpoint/manifest-codec.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { aManifest } from '../../stream/checkpoint/builders.ts';

/** A job with one checkpoint of its own and a savepoint. */
const aJobThatRan = async () => {
  const place = makeJobPlace(aTemporaryDirectory(), 'default', 'counts');
  const { jobId, storageUri, directory } = openJobHome(place);
  const storage = openStorage(storageUri);
  for (const at of [`${jobId}/chk-7-2-aaaaaa`, 'savepoint-aaaaaa-bbbbbb'])
    await writeManifest(storage, at, aManifest([], { jobId, files: [] }));
  const pathOf = (name: string) => join(directory, 'storage', name);
  return { place, savepoint: pathOf('savepoint-aaaaaa-bbbbbb'), checkpoint: pathOf(`${jobId}/chk-7-2-aaaaaa`) };
};
const uri = (path: string) => pathToFileURL(path).href;

test('a savepoint that is there and whole can be started from, wherever it lies', async () => {
  const { place, savepoint, checkpoint } = await aJobThatRan();
  await checkStartPoint(uri(savepoint), place);
  await checkStartPoint(`${uri(savepoint)}/_metadata`, place);
  const copy = join(aTemporaryDirectory(), 'a copy of 100% #7');
  cpSync(checkpoint, copy, { recursive: true });
  await checkStartPoint(uri(copy), place);
  // The job's directory was never made, or its record is damaged: nothing is known to be lost.
  await checkStartPoint(uri(copy), { ...place, directory: join(place.directory, 'none') });
  rmSync(dirname(checkpoint), { recursive: true });
  await checkStartPoint(uri(copy), place);
});

test('one that is not there, or damaged, is refused before anything is forgotten', async () => {
  const { place, savepoint } = await aJobThatRan();
  await expect(checkStartPoint(uri(`${savepoint}c`), place)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  const file = { path: 'vertex-0.state', sizeBytes: 8, sha256: '0'.repeat(64) };
  const damaged = join(aTemporaryDirectory(), 'damaged');
  await writeManifest(openStorage(uri(damaged)), '', aManifest([], { files: [file] }));
  await expect(checkStartPoint(uri(damaged), place)).rejects.toThrow('expected 8 bytes, found no such file');
  writeFileSync(join(damaged, file.path), '12345678');
  await expect(checkStartPoint(uri(damaged), place)).rejects.toMatchObject({ code: 'START_POINT_DAMAGED' });
});

test('a checkpoint that would be removed first is refused, also through a link', async () => {
  const { place, checkpoint } = await aJobThatRan();
  const links = aTemporaryDirectory();
  mkdirSync(links, { recursive: true });
  symlinkSync(checkpoint, join(links, 'link'));
  for (const path of [checkpoint, join(links, 'link')])
    await expect(checkStartPoint(uri(path), place)).rejects.toMatchObject({ code: 'START_POINT_FORGOTTEN' });
  expect(existsSync(checkpoint)).toBe(true);
  rmSync(checkpoint, { recursive: true });
});

test('a path is relative to the directory of the command, and may have any sign in it', () => {
  expect(absolutePointer('a#b/100%', '/here')).toBe('file:///here/a%23b/100%25');
  expect(absolutePointer('/there', '/here')).toBe('file:///there');
  expect(absolutePointer('s3://bucket/savepoint', '/here')).toBe('s3://bucket/savepoint');
});
