/** The life of a job that measurements count by: created, running, upgraded without state, suspended, deleted. */
import type { Place } from './place.ts';

export const STAGES = ['create → running', 'upgrade without state', 'suspend', 'delete'] as const;

/** A revision has proved itself after so long: part of every life, and nothing that a benchmark waits minutes for. */
export const SHORT_STABILITY = ['--jobs-stability', '1s'];

/** Leads a job through its life. @param after each stage: waits, looks */
export async function live(
  place: Place,
  name: string,
  after: (stage: (typeof STAGES)[number]) => Promise<void> = async () => {},
): Promise<void> {
  await place.create(name);
  await place.phase(name, 'Running');
  await after('create → running');
  await place.change(name, { args: ['another'] });
  await place.phase(name, 'Running', 2);
  await after('upgrade without state');
  await place.change(name, { state: 'Suspended' });
  await place.phase(name, 'Suspended');
  await after('suspend');
  await place.delete(name);
  await place.gone(name);
  await after('delete');
}

/** So many lives, some of them at a time. */
export async function manyLives(place: Place, count: number, atOnce: number, prefix: string): Promise<void> {
  let next = 0;
  const lives = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await live(place, `${prefix}-${at}`);
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, lives));
}
